//! `run --audit`: the shadow of real numbers finds what fixed point has lost, and says where.

mod common;

use std::path::Path;

use common::{examples, folder, json, smpc, write};
use serde_json::Value;

/// The breast-cancer script with every feature in its own unit, as the files have it.
fn without_units() -> String {
    let script =
        std::fs::read_to_string(examples().join("breast_cancer.smpc")).expect("the example");
    let start = script
        .find("/// The unit of each feature")
        .expect("the table");
    let end = script
        .find("/// Count, sums and sums")
        .expect("what follows it");
    (script[..start].to_owned() + &script[end..])
        .replace("in_units(x_n)", "x_n")
        .replace("in_units(x_s)", "x_s")
}

/// What a seeded run of a script under a scheme is found to be off by.
fn findings(base: &Path, script: &str, scheme: &str) -> Vec<Value> {
    let args = [
        "run", script, "--audit", "--seed", "1", "--json", "--scheme", scheme,
    ];
    let report = json(&smpc(base, &args));
    let list = report["audit"]["findings"].as_array();
    list.expect("a list").clone()
}

#[test]
fn lost_bits_are_named_by_line_and_column() {
    let base = folder("audit_units");
    let script = without_units();
    let line = script
        .lines()
        .position(|l| l.starts_with("let variance"))
        .expect("the pooled variance")
        + 1;
    write(&base, "raw.smpc", script);
    let inputs = examples().join("breast_cancer");
    let inputs = inputs.to_str().expect("UTF-8");
    // Column 19, the standard error of the fractal dimension, has a variance of 7e-6: half a unit
    // of 2^-16. Rounding decides whether it becomes 0, and the run ends at the division, or 2^-16.
    for seed in ["1", "2", "3", "4"] {
        let args = [
            "run", "raw.smpc", "--inputs", inputs, "--audit", "--seed", seed,
        ];
        let ran = smpc(&base, &args);
        let told = ran.out + &ran.err;
        let expected = format!("raw.smpc:{line}: loss of precision at [19]");
        assert!(told.contains(&expected), "seed {seed}: {told}");
        assert!(!told.contains("overflow"), "seed {seed}: {told}");
    }
}

#[test]
fn a_value_beyond_the_ring_is_an_overflow() {
    let base = folder("audit_overflow");
    let script = "party alice;\ninput a: fix from alice;\nlet x = share a;\n\
                  let y = x * x;\nreveal y as square;\nleaks square to all;\n";
    write(&base, "big.smpc", script);
    write(&base, "big/alice/a.csv", "100000\n");
    let report = json(&smpc(
        &base,
        &["run", "big.smpc", "--audit", "--seed", "1", "--json"],
    ));
    let findings = report["audit"]["findings"]
        .as_array()
        .expect("a list")
        .clone();
    let overflow = findings
        .iter()
        .find(|f| f["kind"] == "overflow")
        .expect("an overflow");
    assert!(
        overflow["at"].as_str().is_some_and(|at| at.ends_with(":4")),
        "{overflow}"
    );
}

#[test]
fn what_a_party_drew_is_taken_from_the_run() {
    let base = folder("audit_draws");
    let script = "party alice;\nlet e <- [laplace(2.0); 50] @ alice;\nlet mut t = share 0.0;\n\
                  for i in 0..3 {\n    let g <- gaussian(1.0) @ alice;\n    t += share (g * g);\n}\n\
                  let s = sum(share e) + t;\nlet big = share (sum(abs(e)) + 100000.0);\n\
                  let square = big * big;\nreveal s as s;\nreveal square as square;\nleaks s, square to all;\n";
    write(&base, "drawn.smpc", script);
    let report = json(&smpc(
        &base,
        &["run", "drawn.smpc", "--audit", "--seed", "1", "--json"],
    ));
    let audit = &report["audit"];
    assert!(audit["stopped"].is_null(), "{audit}");
    let kinds: Vec<(&str, &str)> = audit["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|f| {
            let at = f["at"].as_str().unwrap_or_default();
            (f["kind"].as_str().unwrap_or_default(), at)
        })
        .collect();
    assert!(
        kinds.iter().all(|(_, at)| at.ends_with(":10"))
            && kinds.iter().any(|(k, _)| *k == "overflow"),
        "{audit}"
    );
}

#[test]
fn the_order_of_shuffled_rows_is_taken_from_the_run() {
    let base = folder("audit_sorted");
    // Twice, in a loop, with ties; what goes wrong behind it is still seen.
    let script = "use std::sorting;\nparty alice;\ninput x: [fix; n] from alice;\nlet mut s = share x;\n\
                  for i in 0..2 {\n    let (keys, rows) = sorting::by(s, s);\n    s = rows - keys + keys[0..n];\n}\n\
                  let far = 100000.0 * s;\nlet big = far[n-1] * far[n-1];\n\
                  reveal s as sorted;\nreveal big as big;\nleaks n, order, sorted, big to all;\n";
    write(&base, "sorted.smpc", script);
    write(
        &base,
        "sorted/alice/x.csv",
        "2.5\n-1.25\n7\n2.5\n0.5\n-3\n7\n2.5\n",
    );
    for scheme in ["rep3", "additive", "gmw"] {
        let args = [
            "run",
            "sorted.smpc",
            "--audit",
            "--seed",
            "1",
            "--json",
            "--scheme",
            scheme,
        ];
        let report = json(&smpc(&base, &args));
        let audit = &report["audit"];
        assert!(audit["stopped"].is_null(), "{scheme}: {audit}");
        let findings = audit["findings"].as_array().expect("a list");
        let overflow = findings.iter().any(|f| f["kind"] == "overflow");
        assert!(overflow, "{scheme}: {audit}");
        for finding in findings {
            let at = finding["at"].as_str().unwrap_or_default();
            assert!(at.ends_with(":10"), "{scheme}: {finding}");
        }
    }
}

/// A scheme in the clear that is wrong in one place.
fn mistaken(right: &str, wrong: &str) -> String {
    let path = examples().join("../stdlib/schemes/plain.smpc");
    let text = std::fs::read_to_string(path).expect("the scheme");
    assert!(text.contains(right), "{right}");
    text.replace(right, wrong)
}

#[test]
fn wrong_integers_and_comparisons_are_found() {
    let base = folder("audit_integers");
    let script = "use std::sorting;\nparty alice;\ninput a: [int; n] from alice;\ninput f: [fix; m] from alice;\n\
                  let x = share a;\nlet y = share f;\nlet square = (x >= 0) as int * 3;\n\
                  let less = [x[i] < x[j] for i in 0..n, j in 0..n];\nlet below = y < 0.5;\n\
                  reveal square as square;\nreveal less as less;\nreveal below as below;\n\
                  reveal sorting::sort(x) as sorted;\nleaks n, m, square, less, below, sorted to all;\n";
    write(&base, "ints.smpc", script);
    let (most, least) = (i64::MAX, i64::MIN);
    write(
        &base,
        "ints/alice/a.csv",
        format!("{most}\n0\n{least}\n-1\n"),
    );
    write(&base, "ints/alice/f.csv", "0.25\n0.75\n");
    let findings = |scheme: &str| findings(&base, "ints.smpc", scheme);
    for scheme in ["plain", "rep3", "additive", "gmw"] {
        assert_eq!(
            findings(scheme).len(),
            0,
            "{scheme}: {:?}",
            findings(scheme)
        );
    }
    for (name, right, wrong, line) in [
        // What was shared is another number.
        ("share", "x[0] = v;", "x[0] = v + v;", ":5"),
        (
            "convert",
            "z[0] = b[0] as R;",
            "z[0] = 2 * (b[0] as R);",
            ":7",
        ),
        (
            "less",
            "b[0] = x[0] < y[0];",
            "b[0] = x[0] - y[0] < 0;",
            ":8",
        ),
        ("sign", "b[0] = x[0] < 0;", "b[0] = 0 < x[0];", ":9"),
    ] {
        let file = format!("{name}.smpc");
        write(&base, &file, mistaken(right, wrong));
        let found = findings(&format!("./{file}"));
        let there = found.iter().any(|f| {
            let at = f["at"].as_str().unwrap_or_default();
            f["kind"] == "wrong value" && at.ends_with(line)
        });
        assert!(there, "{name}: {found:?}");
    }
}

#[test]
fn a_wrong_product_of_integers_is_found() {
    let base = folder("audit_product");
    let script = "party alice;\ninput a: [int; n] from alice;\nlet x = share a;\n\
                  let p = x * x;\nlet d = dot(x, x);\nlet even = p == 4;\n\
                  reveal p as p;\nreveal d as d;\nreveal even as even;\nleaks n, p, d, even to all;\n";
    write(&base, "ints.smpc", script);
    write(&base, "ints/alice/a.csv", "2\n-3\n5\n");
    let wrong = mistaken("z[0] = x[0] * y[0];", "z[0] = x[0] * y[0] + 1;");
    write(&base, "product.smpc", wrong);
    let findings = |scheme: &str| findings(&base, "ints.smpc", scheme);
    assert_eq!(findings("plain"), Vec::<serde_json::Value>::new());
    let found = findings("./product.smpc");
    let at: Vec<&str> = found.iter().filter_map(|f| f["at"].as_str()).collect();
    for line in [":4", ":5"] {
        assert!(at.iter().any(|at| at.ends_with(line)), "{found:?}");
    }
    assert!(
        found.iter().all(|f| f["kind"] == "wrong value"),
        "{found:?}"
    );
}

#[test]
fn what_follows_from_an_integer_that_wrapped_around_is_its_overflow() {
    let base = folder("audit_wraps");
    let script = "party alice;\ninput a: [int; n] from alice;\nlet x = share a;\n\
                  let far = x * 6364136223846793005;\nreveal far < 0 as negative;\n\
                  reveal far as far;\nleaks n, negative, far to all;\n";
    write(&base, "wraps.smpc", script);
    write(&base, "wraps/alice/a.csv", "3\n5\n");
    let args = ["run", "wraps.smpc", "--audit", "--seed", "1", "--json"];
    let report = json(&smpc(&base, &args));
    let findings = report["audit"]["findings"].as_array().expect("a list");
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0]["kind"], "overflow");
}

/// What a scheme's file is called, without its ending.
fn schemes() -> Vec<String> {
    let folder = examples().join("../stdlib/schemes");
    let files = std::fs::read_dir(folder).expect("the folder");
    let names = files.filter_map(|file| file.ok()?.path().file_stem()?.to_str().map(str::to_owned));
    names.collect()
}

/// Nothing is found where nothing is wrong: under every scheme that runs a script.
#[test]
fn what_is_right_has_no_finding() {
    let base = folder("audit_right");
    let script = "party alice;\ninput a: [int; n] from alice;\nlet x = share a;\n\
                  let p = x * x * x - 7;\nlet d = dot(x, x);\nreveal p as p;\nreveal d as d;\n\
                  leaks n, p, d to all;\n";
    write(&base, "ints.smpc", script);
    write(&base, "ints/alice/a.csv", "2\n-3\n1000\n-99999\n");
    let ints = base.join("ints.smpc");
    let names = ["average_salary", "keyword", "vickrey", "quicksort"];
    let mut scripts: Vec<_> = names
        .map(|name| examples().join(format!("{name}.smpc")))
        .into();
    scripts.push(ints);
    let mut ran = 0;
    for scheme in schemes() {
        for script in &scripts {
            let script = script.to_str().expect("UTF-8");
            let args = [
                "run", script, "--audit", "--seed", "3", "--json", "--scheme", &scheme,
            ];
            let done = smpc(&base, &args);
            if done.code != 0 {
                continue;
            }
            ran += 1;
            let audit = json(&done)["audit"].clone();
            assert!(audit["stopped"].is_null(), "{script}, {scheme}: {audit}");
            let findings = audit["findings"].as_array().map(Vec::len);
            assert_eq!(findings, Some(0), "{script}, {scheme}: {audit}");
        }
    }
    // Eight schemes have comparisons; the others multiply integers.
    assert!(ran >= 8 * scripts.len() + 4, "{ran} runs");
}
