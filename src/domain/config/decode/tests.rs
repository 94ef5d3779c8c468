use proptest::prelude::*;

use super::*;

#[test]
fn finds_the_byte_of_rons_line_and_character() {
    let text = "(\n  é: x,\n)";
    let at = |line, col| position(text, ron::error::Position { line, col });
    assert_eq!(at(1, 1), 0);
    assert_eq!(&text[at(2, 6)..][..1], "x");
    assert_eq!(at(9, 9), text.len());
}

#[test]
fn a_syntax_error_is_where_it_is() {
    let text = "(\n  version: 1\n  remotes: {},\n)";
    let document = decode(text, true, None);
    assert_eq!(&text[document.findings[0].range.clone()], "r");
}

proptest! {
    #[test]
    fn every_place_is_in_the_text(text in "[(){}\\[\\]\":, a-zé/*\n0-9]{0,60}") {
        let document = decode(&text, true, None);
        for finding in &document.findings {
            prop_assert!(finding.range.start <= text.len());
            super::super::spot::spot(&text, &finding.range, &document.masked);
        }
    }
}
