//! The README says what the program says.

use longhaul::domain::failure::explain::table;

const BEGIN: &str = "<!-- failures:begin -->\n";
const END: &str = "<!-- failures:end -->";

#[test]
fn the_failure_table_is_the_catalogues() {
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once(BEGIN).expect("the README marks where the table begins");
    let (found, _) = rest.split_once(END).expect("the README marks where the table ends");
    let table = table();
    let odd = found.trim().lines().find(|row| !table.lines().any(|line| line == *row));
    assert!(
        found.trim() == table.trim(),
        "the README differs in {odd:?}; this table belongs there:\n{table}"
    );
}
