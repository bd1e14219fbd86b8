//! `--outputs`: files of what parties are handed, which other runs can read.

mod common;

use common::{folder, json, smpc, write};
use std::path::Path;

/// Hands everything that it reads on to another party.
const SCRIPT: &str = "\
struct Claim { diagnosis: text<8>, cost: fix, late: bool }
party insurer, auditor;
input c: [Claim; n] from insurer;
input m: [fix; p, q] from insurer;
input t: [int; r, 2, 2] from insurer;
input b: [bool; n] from insurer;
input k: bits<80> from insurer;
let s = share c;
reveal s to auditor as c;
reveal (share m) to auditor as m;
reveal (share t) to auditor as t;
reveal (share b) to auditor as b;
reveal (share k) to auditor as k;
leaks n, p, q, r to all, c, m, t, b, k to auditor;
";

fn read(base: &Path, file: &str) -> String {
    let bytes = std::fs::read(base.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn ready(name: &str) -> std::path::PathBuf {
    let base = folder(&format!("outputs_{name}"));
    write(&base, "s.smpc", SCRIPT);
    let claims = "diagnosis,cost,late\nflu,1.5,1\n\"a,\"\"b\",-0.25,0\n12,70000,1\n";
    write(&base, "s/insurer/c.csv", claims);
    write(&base, "s/insurer/m.csv", "0.5,-2\n1,4.125\n");
    write(&base, "s/insurer/t.json", "[[[1,2],[3,4]]]");
    write(&base, "s/insurer/b.csv", "1\n0\n1\n");
    write(&base, "s/insurer/k.csv", "0x123456789abcdef01234\n");
    base
}

#[test]
fn each_format() {
    for format in ["csv", "npy", "json"] {
        let base = ready(format);
        let args = ["run", "s.smpc", "--outputs", "out", "--format", format];
        let ran = smpc(&base, &args);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.contains("wrote out/auditor/"), "{}", ran.out);
        assert!(!base.join("out/insurer").exists());
        match format {
            "csv" => {
                assert_eq!(
                    read(&base, "out/auditor/c.csv"),
                    read(&base, "s/insurer/c.csv")
                );
                assert_eq!(
                    read(&base, "out/auditor/m.csv"),
                    read(&base, "s/insurer/m.csv")
                );
                assert_eq!(
                    read(&base, "out/auditor/k.csv"),
                    read(&base, "s/insurer/k.csv")
                );
                // Three axes are more than CSV holds.
                assert_eq!(read(&base, "out/auditor/t.json"), "[[[1,2],[3,4]]]\n");
            }
            "npy" => assert!(read(&base, "out/auditor/m.npy").contains("'<f8'")),
            _ => {
                let claims = read(&base, "out/auditor/c.json");
                assert!(claims.starts_with("{\"diagnosis\":[\"flu\","), "{claims}");
            }
        }
        // The outputs are inputs of a run that gives the same.
        std::fs::create_dir_all(base.join("again")).expect("a folder");
        std::fs::rename(base.join("out/auditor"), base.join("again/insurer")).expect("a folder");
        let args = [
            "run",
            "s.smpc",
            "--json",
            "--inputs",
            "again",
            "--outputs",
            "out2",
        ];
        let ran = smpc(&base, &[&args[..], &["--format", format]].concat());
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let files = json(&ran)["files"].as_array().map(Vec::len);
        assert_eq!(files, Some(5));
        for entry in std::fs::read_dir(base.join("again/insurer")).expect("a folder") {
            let name = entry.expect("an entry").file_name();
            let name = name.to_string_lossy();
            let (one, two) = (
                format!("again/insurer/{name}"),
                format!("out2/auditor/{name}"),
            );
            assert_eq!(
                std::fs::read(base.join(&one)).expect("a file"),
                std::fs::read(base.join(&two)).expect("a file"),
                "{one}"
            );
        }
    }
}

#[test]
fn all_files_or_none() {
    let base = ready("none");
    write(&base, "out/auditor/m.csv/in_the_way", "");
    write(&base, "out/auditor/c.csv", "before\n");
    let ran = smpc(&base, &["run", "s.smpc", "--outputs", "out"]);
    assert_eq!(ran.code, 4, "{}", ran.out);
    assert!(ran.err.contains("error[I15]"), "{}", ran.err);
    assert_eq!(read(&base, "out/auditor/c.csv"), "before\n");
    let entries = std::fs::read_dir(base.join("out/auditor")).expect("a folder");
    assert_eq!(entries.count(), 2);
    let ran = smpc(&base, &["run", "s.smpc", "--format", "csv"]);
    assert_eq!(ran.code, 2, "a format is of no use without a folder");
    let ran = smpc(
        &base,
        &["run", "s.smpc", "--outputs", "o", "--format", "xls"],
    );
    assert_eq!(ran.code, 2);
}

/// What an earlier run handed out and this one does not would pass for this one's.
const DAYS: &str = "\
party alice, watcher;
input v: int from alice;
let s = share v;
let big = reveal s > 10 as big;
if big { reveal s to watcher as head; }
let mut left = big;
while left { left = reveal s > 100 as again; }
leaks big to all; leaks again to all while left; leaks head to watcher when big;
";

fn files(base: &Path, folder: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(base.join(folder)) else {
        return vec![];
    };
    let names = entries.map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|n| n.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn outputs_of_an_earlier_run_go() {
    let base = folder("outputs_days");
    write(&base, "s.smpc", DAYS);
    let run = |value: &str, format: &str| {
        write(&base, "s/alice/v.csv", value);
        let ran = smpc(
            &base,
            &["run", "s.smpc", "--outputs", "o", "--format", format],
        );
        assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
        ran.out
    };
    run("20\n", "csv");
    assert_eq!(
        files(&base, "o/watcher"),
        ["again.csv", "big.csv", "head.csv"]
    );
    assert_eq!(files(&base, "o/alice"), ["again.csv", "big.csv"]);
    // What is no output of this script is nobody's business here.
    write(&base, "o/watcher/notes.csv", "mine\n");
    write(&base, "o/watcher/head.csv.bak", "mine\n");
    let told = run("5\n", "csv");
    assert_eq!(
        files(&base, "o/watcher"),
        ["big.csv", "head.csv.bak", "notes.csv"]
    );
    assert_eq!(files(&base, "o/alice"), ["big.csv"]);
    assert!(
        told.contains("removed o/watcher/head.csv, of an earlier run"),
        "{told}"
    );
    // Another format.
    let told = run("5\n", "json");
    assert_eq!(files(&base, "o/alice"), ["big.json"]);
    assert!(told.contains("removed o/alice/big.csv"), "{told}");
    let told = run("5\n", "json");
    assert!(!told.contains("removed"), "{told}");
    // A run that fails leaves all of it.
    run("20\n", "npy");
    write(&base, "s/alice/v.csv", "5\n");
    std::fs::create_dir(base.join("o/watcher/big.csv")).unwrap();
    let ran = smpc(&base, &["run", "s.smpc", "--outputs", "o"]);
    assert_eq!(ran.code, 4, "{}", ran.err);
    assert_eq!(files(&base, "o/alice"), ["again.npy", "big.npy"]);
    assert!(base.join("o/watcher/head.npy").exists());
}

/// All digits in files and in JSON, and on the terminal as many as the type tells apart, of the value and not of a float.
#[test]
fn digits_of_large_values() {
    let base = folder("outputs_digits");
    let script = "party a, b;\ninput x: fix from a;\nreveal share x to b as s;\nleaks s to b;\n";
    write(&base, "s.smpc", script);
    write(&base, "s/a/x.csv", "70368744177663.98\n");
    let ran = smpc(&base, &["run", "s.smpc", "--outputs", "o"]);
    assert!(
        ran.out.starts_with("s to b: 70368744177663.98\n"),
        "{}",
        ran.out
    );
    assert_eq!(
        read(&base, "o/b/s.csv"),
        "70368744177663.9799957275390625\n"
    );
    let ran = smpc(&base, &["run", "s.smpc", "--json"]);
    assert!(
        ran.out.contains("70368744177663.9799957275390625"),
        "{}",
        ran.out
    );
}
