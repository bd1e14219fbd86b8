//! `smpc trace` shows the messages of a run: all of them, and no more of them than it is asked.

mod common;

use common::{examples, folder, json, smpc, write};
use serde_json::Value;

const SCRIPT: &str = "\
party alice, bob;
input x: [int; n] from alice;
input y: [int; n] from bob;
let mut s = share x;
for i in 0..20 {
    s = s * share y;
}
reveal sum(s) as total;
leaks n, total to all;
";

/// The folder of one test with the script in it. The inputs are marked: no share is likely to
/// show them.
fn ready(name: &str) -> std::path::PathBuf {
    let base = folder(&format!("trace_{name}"));
    write(&base, "s.smpc", SCRIPT);
    write(&base, "s/alice/x.csv", "1234567\n7654321\n1\n");
    write(&base, "s/bob/y.csv", "1\n1\n-1\n");
    base
}

#[test]
fn a_table() {
    let ran = smpc(&ready("table"), &["trace", "s.smpc", "--seed", "1"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    insta::assert_snapshot!(ran.out);
}

#[test]
fn a_document() {
    let args = [
        "trace", "s.smpc", "--round", "..2", "--party", "bob", "--json",
    ];
    let ran = smpc(&ready("document"), &args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    insta::assert_snapshot!(ran.out);
}

#[test]
fn a_chart() {
    let base = ready("chart");
    let ran = smpc(&base, &["trace", "s.smpc", "--svg", "s.svg"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "wrote s.svg\n"),
        "{}",
        ran.err
    );
    let chart = std::fs::read_to_string(base.join("s.svg")).expect("was written");
    roxmltree::Document::parse(&chart).expect("a chart is XML");
    insta::assert_snapshot!(chart);
    let ran = smpc(&base, &["trace", "s.smpc", "--svg", "s"]);
    assert_eq!(ran.code, 2, "a folder has this name");
}

#[test]
fn values_are_shown_on_demand_only() {
    let base = ready("values");
    let plain = smpc(&base, &["trace", "s.smpc", "--seed", "5"]);
    let json = smpc(&base, &["trace", "s.smpc", "--seed", "5", "--json"]);
    assert!(!plain.out.contains(" = ") && !json.out.contains("values"));
    // What a table says does not depend on inputs or coins.
    write(&base, "s/alice/x.csv", "3\n2\n1\n");
    let other = smpc(&base, &["trace", "s.smpc", "--seed", "6"]);
    assert_eq!(plain.out, other.out);
    let shown = smpc(&base, &["trace", "s.smpc", "--values"]);
    assert!(shown.out.contains("  = ["), "{}", shown.out);
    let shown = smpc(&base, &["trace", "s.smpc", "--values", "--json"]);
    assert!(shown.out.contains("\"values\""));
}

#[test]
fn what_is_not_there_is_an_error() {
    let base = ready("wrong");
    let ran = smpc(&base, &["trace", "s.smpc", "--party", "carol"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("there is no party `carol`"), "{}", ran.err);
    let ran = smpc(&base, &["trace", "s.smpc", "--round", "5..3"]);
    assert_eq!(ran.code, 2);
    // An empty chart would look like a run in which nobody says anything.
    let all = json(&smpc(&base, &["trace", "s.smpc", "--json"]));
    let rounds = all["rounds"].as_u64().unwrap();
    let last = rounds.to_string();
    assert_eq!(smpc(&base, &["trace", "s.smpc", "--round", &last]).code, 0);
    let behind = format!("{}..9000", rounds + 1);
    for given in [&["--svg", "behind.svg"][..], &["--json"], &[]] {
        let args = [&["trace", "s.smpc", "--round", &behind][..], given].concat();
        let ran = smpc(&base, &args);
        assert_eq!(ran.code, 2);
        let told = format!("there is no round {}: the run has {rounds}", rounds + 1);
        let all = ran.out + &ran.err;
        assert!(all.contains(&told), "{all}");
    }
    assert!(!base.join("behind.svg").exists());
    write(&base, "s/alice/x.csv", "1\nx\n");
    assert_eq!(smpc(&base, &["trace", "s.smpc"]).code, 3);
}

/// Messages and bytes of the exchanges, repetitions counted.
fn counted(exchanges: &Value) -> (u64, u64) {
    let list = exchanges.as_array().expect("a list");
    list.iter().fold((0, 0), |(messages, bytes), one| {
        let (own, times) = match one.get("times") {
            Some(times) => (counted(&one["exchanges"]), times.as_u64().expect("a count")),
            None if one["phase"] == "online" => {
                let all = one["messages"].as_array().expect("a list");
                let sum = all.iter().filter_map(|m| m["bytes"].as_u64()).sum();
                ((all.len() as u64, sum), 1)
            }
            None => ((0, 0), 1),
        };
        (messages + own.0 * times, bytes + own.1 * times)
    })
}

#[test]
fn totals_are_those_of_a_run() {
    for (script, scheme) in [
        ("average_salary", "rep3"),
        ("vickrey", "rep3"),
        ("vickrey", "additive"),
        ("bounded_while", "rep3"),
    ] {
        let file = format!("{script}.smpc");
        let args = [&file, "--scheme", scheme, "--seed", "3", "--json"];
        let traced = json(&smpc(&examples(), &[&["trace"], &args[..]].concat()));
        let ran = json(&smpc(&examples(), &[&["run"], &args[..]].concat()));
        let cost = &ran["cost"];
        assert_eq!(traced["rounds"], cost["rounds"], "{script}");
        let sent = traced["sent"].as_object().expect("an object");
        let sum = |key: &str| -> u64 { sent.values().filter_map(|v| v[key].as_u64()).sum() };
        assert_eq!(Value::from(sum("messages")), cost["messages"], "{script}");
        for (party, total) in sent {
            assert_eq!(total["bytes"], cost["bytes"][party], "{script}");
            assert_eq!(
                total["offline_bytes"], cost["offline_bytes"][party],
                "{script}"
            );
        }
        let told = counted(&traced["exchanges"]);
        assert_eq!(told, (sum("messages"), sum("bytes")), "{script}");
    }
}
