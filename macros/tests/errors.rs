//! What the compiler shows when the macro finds something wrong. After a change of the words:
//! `TRYBUILD=overwrite cargo test -p smpc-macros`, then read the files.

#[test]
fn errors_name_the_line_of_the_script() {
    trybuild::TestCases::new().compile_fail("tests/errors/*.rs");
}
