//! Each flaw of an input file has its code and place; all are told in one go.

mod common;

use common::{Ran, folder, smpc, write};
use std::path::Path;

const SCRIPT: &str = "\
party alice, bob;
param rate: fix = 0.5;

input x: [fix; n, d] from alice;
input y: [bool; n] from alice;
input z: [fix; n, d] from bob;
input k: int from bob;

reveal sum(share (y as fix) @ share x) as total;
reveal sum(sum((share z)) * rate) * (share k) as other;

leaks n, d, total, other to all;
";

const TABLE: &str = "\
struct Claim { diagnosis: text<8>, cost: fix }
party insurer;
input c: [Claim; n] from insurer;
let s = share c;
reveal sum([s[i].cost for i in 0..n]) as total;
reveal sum([(s[i].diagnosis == s[0].diagnosis) as int for i in 0..n]) as same;
leaks n, total, same to all;
";

/// Good inputs for the script.
fn good(base: &Path) {
    write(base, "s.smpc", SCRIPT);
    write(base, "s/alice/x.csv", "1,2\n3,4\n5,6\n");
    write(base, "s/alice/y.csv", "0\n1\n1\n");
    write(base, "s/bob/z.csv", "1,1\n1,1\n1,1\n");
    write(base, "s/bob/k.csv", "2\n");
}

/// Good inputs but for some files; must fail as bad input.
fn with(name: &str, files: &[(&str, &str)]) -> String {
    let base = folder(&format!("inputs_{name}"));
    good(&base);
    for (file, text) in files {
        write(&base, file, text);
    }
    failed(smpc(&base, &["run", "s.smpc"]))
}

fn table(name: &str, file: &str, text: &str) -> String {
    let base = folder(&format!("inputs_{name}"));
    write(&base, "s.smpc", TABLE);
    write(&base, file, text);
    failed(smpc(&base, &["run", "s.smpc"]))
}

fn failed(ran: Ran) -> String {
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert_eq!(ran.out, "");
    ran.err
}

/// Equal but for the truncations of a secret product.
fn near(found: &serde_json::Value, wanted: f64) {
    let found = found.as_f64().expect("a number");
    assert!((found - wanted).abs() < 1e-3, "{found}, expected {wanted}");
}

#[test]
fn good_inputs_run() {
    let base = folder("inputs_good");
    good(&base);
    let ran = smpc(&base, &["run", "s.smpc", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let outputs = &common::json(&ran)["outputs"];
    near(&outputs["total"]["value"], 18.0);
    near(&outputs["other"]["value"], 6.0);
}

#[test]
fn json_and_npy_are_read_as_csv_is() {
    let base = folder("inputs_formats");
    good(&base);
    std::fs::remove_file(base.join("s/alice/x.csv")).expect("was there");
    std::fs::remove_file(base.join("s/bob/z.csv")).expect("was there");
    write(&base, "s/alice/x.json", "[[1, 2], [3, 4], [5, 6.0]]");
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    let header = "{'descr': '<f8', 'fortran_order': True, 'shape': (3, 2), }\n";
    npy.extend((header.len() as u16).to_le_bytes());
    npy.extend(header.as_bytes());
    npy.extend([1.0f64; 6].iter().flat_map(|f| f.to_le_bytes()));
    write(&base, "s/bob/z.npy", npy);
    let ran = smpc(&base, &["run", "s.smpc", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let outputs = &common::json(&ran)["outputs"];
    near(&outputs["total"]["value"], 18.0);
}

#[test]
fn everything_at_once() {
    let base = folder("inputs_everything");
    good(&base);
    write(&base, "s/alice/x.csv", "1,2\n3\nfive,nan\n");
    write(&base, "s/alice/y.csv", "");
    std::fs::remove_file(base.join("s/bob/k.csv")).expect("was there");
    write(&base, "s/bob/z.csv", "1,1e30\n");
    insta::assert_snapshot!(failed(smpc(&base, &["run", "s.smpc"])));
}

#[test]
fn a_missing_file() {
    let base = folder("inputs_missing");
    good(&base);
    std::fs::remove_file(base.join("s/alice/y.csv")).expect("was there");
    insta::assert_snapshot!(failed(smpc(&base, &["run", "s.smpc"])));
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(with("empty", &[("s/bob/k.csv", " \n")]));
}

#[test]
fn a_ragged_file() {
    insta::assert_snapshot!(with("ragged", &[("s/alice/x.csv", "1,2\n3\n5,6\n")]));
}

#[test]
fn a_header_where_there_is_none() {
    insta::assert_snapshot!(with(
        "header",
        &[("s/alice/x.csv", "height,weight\n1,2\n3,4\n5,6\n")]
    ));
}

#[test]
fn text_among_numbers() {
    insta::assert_snapshot!(with("text", &[("s/alice/x.csv", "1,2\n3,four\n5,6\n")]));
}

#[test]
fn not_finite() {
    insta::assert_snapshot!(with("nan", &[("s/alice/x.csv", "1,2\nNaN,4\n5,-inf\n")]));
}

#[test]
fn out_of_range() {
    insta::assert_snapshot!(with(
        "range",
        &[
            ("s/alice/x.csv", "1,2\n3,1e14\n5,6\n"),
            ("s/bob/k.csv", "99999999999999999999\n")
        ]
    ));
}

#[test]
fn no_truth_value() {
    insta::assert_snapshot!(with("bool", &[("s/alice/y.csv", "0\n2\nyes\n")]));
}

#[test]
fn sizes_disagree() {
    insta::assert_snapshot!(with("sizes", &[("s/bob/z.csv", "1,1,1\n1,1,1\n")]));
}

#[test]
fn the_wrong_number_of_axes() {
    insta::assert_snapshot!(with(
        "axes",
        &[("s/bob/k.csv", "1,2\n"), ("s/alice/y.csv", "0,1\n1,1\n")]
    ));
}

#[test]
fn two_files_for_one_input() {
    insta::assert_snapshot!(with("two", &[("s/bob/k.json", "2")]));
}

#[test]
fn a_file_of_another_format() {
    let base = folder("inputs_format");
    good(&base);
    std::fs::remove_file(base.join("s/bob/k.csv")).expect("was there");
    write(&base, "s/bob/k.npy", "2\n");
    std::fs::remove_file(base.join("s/bob/z.csv")).expect("was there");
    write(&base, "s/bob/z.json", "[[1, 1],\n");
    write(&base, "s/alice/x.csv", b"1,\xff\n");
    insta::assert_snapshot!(failed(smpc(&base, &["run", "s.smpc"])));
}

#[test]
fn parameters() {
    let base = folder("inputs_params");
    good(&base);
    let args = ["run", "s.smpc", "--set", "rate=fast", "--set", "speed=1"];
    insta::assert_snapshot!(failed(smpc(&base, &args)));
}

#[test]
fn a_missing_column() {
    insta::assert_snapshot!(table(
        "column",
        "s/insurer/c.csv",
        "Diagnosis,cost\nflu,1\n"
    ));
}

#[test]
fn a_table_without_rows() {
    assert!(table("rows", "s/insurer/c.csv", "diagnosis,cost\n").contains("error[I02]"));
}

#[test]
fn flaws_of_a_table() {
    let text = "diagnosis,cost\nflu,1\nasthma\ngastroenteritis,2\ncopd,much\n";
    insta::assert_snapshot!(table("table", "s/insurer/c.csv", text));
}

#[test]
fn a_table_in_json() {
    let text = r#"[{"diagnosis": "flu", "cost": 1}, {"diagnosis": "copd"}]"#;
    insta::assert_snapshot!(table("table_json", "s/insurer/c.json", text));
}

#[test]
fn family_members() {
    let base = folder("inputs_family");
    let script = "party e[n];\ninput s[i]: int from e[i];\nreveal sum(share s[i] for e[i]) as total;\nleaks total to all;\n";
    write(&base, "s.smpc", script);
    insta::assert_snapshot!("no_members", failed(smpc(&base, &["run", "s.smpc"])));
    write(&base, "s/e[0]/s.csv", "1\n");
    write(&base, "s/e[2]/s.csv", "2\n");
    insta::assert_snapshot!("a_gap", failed(smpc(&base, &["run", "s.smpc"])));
    write(&base, "s/e[1]/s.csv", "3\n");
    let ran = smpc(&base, &["run", "s.smpc", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(
        common::json(&ran)["outputs"]["total"]["value"].as_i64(),
        Some(6)
    );
    assert_eq!(
        smpc(&base, &["run", "s.smpc", "--set", "n=2", "--json"]).code,
        0
    );
    assert_eq!(smpc(&base, &["run", "s.smpc", "--set", "n=none"]).code, 3);
}
