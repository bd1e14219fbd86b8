//! `run --audit`: the shadow of real numbers finds what fixed point has lost, and says where.

mod common;

use common::{examples, folder, json, smpc, write};

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
