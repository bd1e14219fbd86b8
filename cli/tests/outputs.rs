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
