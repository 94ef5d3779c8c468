//! What is read here is what ron itself reads.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

/// A document with one of each, for serde.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    text: Option<String>,
    number: Option<u16>,
    truth: Option<bool>,
    list: Option<Vec<String>>,
    map: Option<BTreeMap<String, Choice>>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
enum Choice {
    Bare,
    With(String),
}

/// The same by way of nodes.
fn by_nodes(text: &str) -> Option<Sample> {
    let root = document(text).ok()?;
    let mut sample = Sample { text: None, number: None, truth: None, list: None, map: None };
    let mut seen = Vec::new();
    for field in root.fields("Sample").ok()? {
        assert_eq!(&text[field.name_at.clone()], field.name);
        if seen.contains(&field.name) {
            return None;
        }
        seen.push(field.name);
        let Some(value) = field.value.option().ok()? else {
            if ["text", "number", "truth", "list", "map"].contains(&field.name) {
                continue;
            }
            return None;
        };
        match field.name {
            "text" => sample.text = Some(value.scalar().ok()?),
            "number" => sample.number = Some(value.scalar().ok()?),
            "truth" => sample.truth = Some(value.scalar().ok()?),
            "list" => {
                let items = value.items().ok()?;
                sample.list = Some(items.iter().map(|i| i.scalar().ok()).collect::<Option<_>>()?);
            }
            "map" => {
                let mut map = BTreeMap::new();
                for (key, value) in value.entries().ok()? {
                    map.insert(key.scalar().ok()?, choice(&value)?);
                }
                sample.map = Some(map);
            }
            _ => return None,
        }
    }
    Some(sample)
}

fn choice(node: &Node<'_>) -> Option<Choice> {
    let variant = node.variant().ok()?;
    match (variant.name, variant.payload) {
        ("Bare", None) => Some(Choice::Bare),
        ("With", Some(payload)) => Some(Choice::With(payload.scalar().ok()?)),
        _ => None,
    }
}

fn by_ron(text: &str) -> Option<Sample> {
    options(Extensions::empty()).from_str(text).ok()
}

#[test]
fn reads_what_ron_reads_and_refuses_what_ron_refuses() {
    for (text, is_good) in [
        ("()", true),
        ("Sample()", true),
        ("Other()", false),
        ("( text : \"a\" , )", true),
        ("(text: Some(\"a\"), number: None)", true),
        ("(text: r#\"a\"b\"#)", true),
        ("(text: \"\\u{e9}\\n\\x41\\\"\")", true),
        ("(text: \"\\q\")", false),
        ("(text: 'a')", false),
        ("(number: 1_000)", true),
        ("(number: 0xff)", true),
        ("(number: 0b11, truth: true)", true),
        ("(number: 12u16)", true),
        ("(number: 1.5)", false),
        ("(number: -1)", false),
        ("(number: 65536)", false),
        ("(number: 1 2)", false),
        ("(truth: yes)", false),
        ("(list: [\"a\", /* x */ \"b\" /* y */, // z\n])", true),
        ("(list: [\"a\" \"b\"])", false),
        ("(list: (\"a\"))", false),
        ("(map: {\"a\": Bare, \"b\": With(\"x\"), \"c\" : With ( \"y\" , ) , })", true),
        ("(map: {\"a\": With})", false),
        ("(map: {\"a\": Bare(\"x\")})", false),
        ("(map: {\"a\": With(\"x\", \"y\")})", false),
        ("(map: {\"a\": bare})", false),
        ("(map: {a: Bare})", false),
        ("(text: \"a\", text: \"b\")", false),
        ("(txet: \"a\")", false),
        ("#![enable(implicit_some)] (text: \"a\")", true),
        ("#![enable(unwrap_newtypes)]\n#![enable(unwrap_variant_newtypes)](list: [])", true),
        ("#![enable(explicit_struct_names)] (text: \"a\")", false),
        ("#![enable(explicit_struct_names)] Sample(text: \"a\")", true),
        ("// x\n/* /* */ */ (text: \"// no */\") // y", true),
        ("() ()", false),
        ("", false),
        ("(", false),
        ("(text: \"a\"", false),
        ("/* (", false),
    ] {
        let (nodes, ron) = (by_nodes(text), by_ron(text));
        assert_eq!(ron.is_some(), is_good, "ron on {text}");
        assert_eq!(nodes, ron, "{text}");
    }
}

#[test]
fn a_value_stands_without_the_comments_around_it() {
    let text = "/* a */ ( // b\n text /* c */ : /* d */ \"x\" /* e */ , // f\n ) // g";
    let root = document(text).unwrap();
    assert!(text[root.range()].starts_with("( // b") && text[root.range()].ends_with(')'));
    let fields = root.fields("Sample").unwrap();
    assert_eq!(&text[fields[0].value.range()], "\"x\"");
}

/// Space and comments, as they may stand between any two tokens.
fn gap() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(" ".to_owned()),
        Just("\n\t".to_owned()),
        Just("// it's \"x\n".to_owned()),
        Just("/* /* ( */ \" */".to_owned()),
    ]
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>().prop_map(|text| format!("{text:?}")),
        "[a-z\"\\\\/*]{0,8}".prop_map(|text| format!("r##\"{text}\"##")),
    ]
}

fn sample() -> impl Strategy<Value = String> {
    let text = literal().prop_map(|text| format!("text:{text}"));
    let number = any::<i32>().prop_map(|number| format!("number:{number}"));
    let truth = any::<bool>().prop_map(|truth| format!("truth:{truth}"));
    let list = prop::collection::vec(literal(), 0..4)
        .prop_map(|items| format!("list:[{}]", items.join(",")));
    let value = prop_oneof![Just("Bare".to_owned()), literal().prop_map(|t| format!("With({t})"))];
    let map = prop::collection::btree_map("[a-c]{1,2}", (value, gap()), 0..4).prop_map(|map| {
        let entry = |(key, (value, gap)): (String, (String, String))| {
            format!("\"{key}\":{gap}{value}{gap}")
        };
        format!("map:{{{}}}", map.into_iter().map(entry).collect::<Vec<_>>().join(","))
    });
    let field = prop_oneof![text, number, truth, list, map];
    prop::collection::vec((gap(), field, gap()), 0..5).prop_map(|fields| {
        let fields = fields.into_iter().map(|(a, field, b)| format!("{a}{field}{b}"));
        format!("({})", fields.collect::<Vec<_>>().join(","))
    })
}

proptest! {
    #[test]
    fn agrees_with_ron_on_documents(text in sample()) {
        prop_assert_eq!(by_nodes(&text), by_ron(&text));
    }

    #[test]
    fn agrees_with_ron_on_documents_that_were_cut_or_hit(
        text in sample(), at in any::<prop::sample::Index>(), hit in "[(){}\":,a/*\\[\\]]{0,2}",
    ) {
        let at = at.index(text.len() + 1);
        if text.is_char_boundary(at) {
            let cut = &text[..at];
            prop_assert_eq!(by_nodes(cut), by_ron(cut));
            let hit = format!("{cut}{hit}{}", &text[at..]);
            prop_assert_eq!(by_nodes(&hit), by_ron(&hit));
        }
    }

    #[test]
    fn no_text_is_too_much(text in any::<String>()) {
        prop_assert_eq!(by_nodes(&text), by_ron(&text));
    }
}

#[test]
fn a_comment_behind_a_name_is_no_part_of_it() {
    let text = "(a: On // as in (1)\n, b: Off /* (2) */)";
    let fields = document(text).unwrap().fields("").unwrap();
    let values: Vec<_> = fields.iter().map(|field| &text[field.value.range()]).collect();
    assert_eq!(values, ["On", "Off"]);
    assert!(fields.iter().all(|field| field.value.variant().unwrap().payload.is_none()));
}
