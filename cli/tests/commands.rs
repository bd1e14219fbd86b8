//! The commands that compute nothing.

mod common;

use common::{examples, folder, json, smpc, write};

#[test]
fn help_names_every_command_and_exit_code() {
    let base = folder("help");
    let ran = smpc(&base, &["--help"]);
    assert_eq!(ran.code, 0);
    for word in [
        "run",
        "check",
        "test",
        "leaks",
        "cost",
        "fmt",
        "explain",
        "new",
        "schemes",
        "verify",
        "build",
        "Exit codes:",
    ] {
        assert!(ran.out.contains(word), "{word}");
    }
    assert_eq!(smpc(&base, &["no_such_command"]).code, 2);
    assert_eq!(smpc(&base, &["run"]).code, 2);
    assert_eq!(smpc(&base, &["run", "x.smpc", "--set", "epochs"]).code, 2);
}

#[test]
fn a_missing_script_is_a_usage_error() {
    let base = folder("missing_script");
    for command in ["run", "check", "leaks", "cost", "fmt"] {
        let ran = smpc(&base, &[command, "none.smpc"]);
        assert_eq!(ran.code, 2, "{command}: {}", ran.err);
        assert!(ran.err.contains("error[I15]"), "{command}: {}", ran.err);
    }
}

#[test]
fn explain_knows_its_codes_in_any_case() {
    let base = folder("explain");
    let ran = smpc(&base, &["explain", "i03"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.starts_with("# I03: "));
    assert_eq!(smpc(&base, &["explain", "Z99"]).code, 2);
}

#[test]
fn schemes_lists_the_default() {
    let base = folder("schemes");
    let ran = smpc(&base, &["schemes", "--json"]);
    let list = json(&ran);
    let names: Vec<&str> = list["schemes"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|s| s["name"].as_str())
        .collect();
    assert!(
        names.contains(&"rep3") && names.contains(&"additive"),
        "{names:?}"
    );
    let product = &list["operations"]
        .as_array()
        .expect("the matrix")
        .iter()
        .find(|row| row["operation"] == "product")
        .expect("products")["schemes"];
    // One element of 8 bytes from each of three parties (Araki et al., CCS 2016).
    assert_eq!(product["rep3"]["rounds"], "1");
    assert_eq!(product["rep3"]["bytes"], "24·n");
    let plain = smpc(&base, &["schemes"]).out;
    let row = plain.lines().find(|line| line.starts_with("product  "));
    assert!(row.is_some_and(|row| row.contains("1/24")), "{plain}");
    let text = smpc(&base, &["schemes", "rep3"]).out;
    assert!(text.contains("backend rep3"));
}

#[test]
fn fmt_rewrites_and_check_only_tells() {
    let base = folder("fmt");
    let ugly = "party   alice,bob ;\n";
    write(&base, "s.smpc", ugly);
    let ran = smpc(&base, &["fmt", "--check", "s.smpc"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("error[S08]"));
    let path = base.join("s.smpc");
    assert_eq!(std::fs::read_to_string(&path).expect("still there"), ugly);
    assert_eq!(smpc(&base, &["fmt", "s.smpc"]).code, 0);
    assert_eq!(
        std::fs::read_to_string(&path).expect("still there"),
        "party alice, bob;\n"
    );
    assert_eq!(smpc(&base, &["fmt", "--check", "s.smpc"]).code, 0);
}

#[test]
fn fmt_leaves_a_broken_file_alone() {
    let base = folder("fmt_broken");
    write(&base, "s.smpc", "let  x = ;\n");
    assert_eq!(smpc(&base, &["fmt", "s.smpc"]).code, 1);
    let text = std::fs::read_to_string(base.join("s.smpc")).expect("still there");
    assert_eq!(text, "let  x = ;\n");
}

#[test]
fn a_new_project_runs() {
    let base = folder("new");
    assert_eq!(smpc(&base, &["new", "shops"]).code, 0);
    let ran = smpc(&base, &["run", "shops/shops.smpc", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let outputs = &json(&ran)["outputs"];
    assert_eq!(outputs["total"]["to"][0], "all");
    assert_eq!(outputs["ahead"]["value"], true);
    assert_eq!(smpc(&base, &["new", "shops"]).code, 2);
    assert_eq!(smpc(&base, &["fmt", "--check", "shops/shops.smpc"]).code, 0);
}

#[test]
fn check_and_leaks_read_no_inputs() {
    let base = folder("leaks");
    let script = std::fs::read_to_string(examples().join("keyword.smpc")).expect("the example");
    write(&base, "keyword.smpc", script);
    assert_eq!(smpc(&base, &["check", "keyword.smpc"]).code, 0);
    let ran = smpc(&base, &["leaks", "keyword.smpc"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("transcripts"), "{}", ran.out);
    assert!(ran.out.contains("user"), "{}", ran.out);
}

#[test]
fn what_is_assumed_to_be_no_leakage_is_listed() {
    let base = folder("leaks_assumed");
    let script = "use std::sorting;\nparty a;\ninput x: [fix; n] from a;\n\
                  reveal sorting::sort(share x) as sorted;\nleaks n, sorted to all;\n";
    write(&base, "s.smpc", script);
    let ran = smpc(&base, &["leaks", "s.smpc"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let line = "order  [bool; n, 7]  to all ~ perm(n)  by `compared`, std::math::sorting:";
    assert!(ran.out.contains(line), "{}", ran.out);
    let found = json(&smpc(&base, &["leaks", "s.smpc", "--json"]));
    assert_eq!(found["assumed"][0]["distribution"], "perm(n)", "{found}");
    // To others than the clause says: not even assumed.
    let script = "party a, b;\ninput x: int from a;\n\
                  fn f(x: secret int) -> int reveals y: int to a ~ perm(2) { let y = reveal x to b; 1 }\n\
                  let z = f(share x);\nreveal z to a as z;\nleaks z to a;\n";
    write(&base, "t.smpc", script);
    let ran = smpc(&base, &["leaks", "t.smpc"]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.err.contains("R04"), "{}", ran.err);
}

#[test]
fn cost_is_a_formula_without_inputs_and_a_number_with_them() {
    let base = folder("cost");
    let script = std::fs::read_to_string(examples().join("keyword.smpc")).expect("the example");
    write(&base, "keyword.smpc", script);
    let ran = smpc(&base, &["cost", "keyword.smpc"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("rounds"), "{}", ran.out);
    assert!(ran.out.contains('n'), "{}", ran.out);
    let ran = smpc(
        &examples(),
        &["cost", "keyword.smpc", "--inputs", "keyword", "--json"],
    );
    let cost = json(&ran);
    assert!(cost["value"]["rounds"].is_number(), "{cost}");
}

#[test]
fn a_seed_makes_a_run_reproducible_and_an_audit_finds_nothing() {
    let args = ["run", "vickrey.smpc", "--json", "--seed", "7", "--audit"];
    let mut first = json(&smpc(&examples(), &args));
    let mut second = json(&smpc(&examples(), &args));
    for one in [&mut first, &mut second] {
        assert_eq!(one["audit"]["findings"].as_array().map(Vec::len), Some(0));
        assert!(one["audit"]["compared"].as_u64() > Some(0));
        one["seconds"] = 0.into();
    }
    assert_eq!(first, second);
}

#[test]
fn the_counted_cost_is_the_predicted_one() {
    for scheme in ["rep3", "additive"] {
        let cost = json(&smpc(
            &examples(),
            &[
                "cost",
                "vickrey.smpc",
                "--inputs",
                "vickrey",
                "--scheme",
                scheme,
                "--json",
            ],
        ));
        let run = json(&smpc(
            &examples(),
            &["run", "vickrey.smpc", "--scheme", scheme, "--json"],
        ));
        assert_eq!(cost["value"]["rounds"], run["cost"]["rounds"], "{scheme}");
        for (party, bytes) in run["cost"]["bytes"].as_object().expect("an object") {
            let predicted = cost["value"]["bytes"][party].as_u64().unwrap_or(0);
            assert_eq!(Some(predicted), bytes.as_u64(), "{scheme} {party}");
        }
    }
}

#[test]
fn a_backend_that_does_not_fit_is_a_usage_error() {
    let unknown = smpc(&examples(), &["run", "vickrey.smpc", "--scheme", "rep4"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("error[I16]"), "{}", unknown.err);
    let fixed = smpc(&examples(), &["run", "vickrey.smpc", "--parties", "5"]);
    assert_eq!(fixed.code, 2);
    assert!(fixed.err.contains("error[I17]"), "{}", fixed.err);
}

#[test]
fn a_scheme_beside_the_script_is_bound_by_its_file() {
    let base = folder("own_scheme");
    write(&base, "mine.smpc", smpc(&base, &["schemes", "rep3"]).out);
    let script = examples().join("vickrey.smpc").display().to_string();
    let ran = smpc(
        &base,
        &["run", &script, "--scheme", "./mine.smpc", "--json"],
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(json(&ran)["outputs"]["winner"]["value"], 1);
    assert_eq!(smpc(&base, &["check", "mine.smpc"]).code, 0);
}

/// A scheme whose `share` hands the whole value to P[0].
const LEAKY: &str = r#"//! A sharing that shares nothing: all of v goes to P[0].
backend leaky(k: int = 64) {
    int, fix<f>:   Leaky<Z[2^k]>;
    bool, bits<m>: Leaky<Bits[m]>;
}

scheme Leaky<R: Ring> {
    parties P[2];
    corrupt 1 of P semihonest;
    share x = x[0] + x[1];
    P[i] holds x[i];
}

protocol share<D: party>(v: R @ D) -> x: Leaky<R>
    ensures x == v
    private
{
    x[0] = v;
    x[1] = 0;
    D -> P[0]: x[0];
}

protocol reveal(x: Leaky<R>) -> v: R @ P
    ensures v == x
    private
{
    P[0] -> P[1]: x[0];
    P[1] -> P[0]: x[1];
    v = x[0] + x[1];
}
"#;

#[test]
fn verify_shows_who_learns_what_it_should_not() {
    let base = folder("verify");
    write(&base, "leaky.smpc", LEAKY);
    let args = ["verify", "./leaky.smpc", "--runs", "100"];
    let ran = smpc(&base, &args);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.out.contains("share from an outsider LEAKS to {P[0]}"),
        "{}",
        ran.out
    );
    let report = json(&smpc(&base, &[&args[..], &["--json"]].concat()));
    let operations = report["schemes"][0]["operations"]
        .as_array()
        .expect("a list");
    // The counter-example can be replayed: the ring, what is seen and how often.
    assert!(ran.out.contains("    in Z[2^"), "{}", ran.out);
    let shared = operations
        .iter()
        .find(|o| o["operation"] == "share from an outsider")
        .expect("its sharing");
    let all = shared["private"].as_array().expect("a list");
    let leak = all.iter().find(|v| v["verdict"] == "LEAKS");
    let view = &leak.expect("a leak")["view"];
    assert!(
        view["seen"].as_array().is_some_and(|seen| !seen.is_empty()),
        "{view}"
    );
    assert_ne!(view["often"][0], view["often"][1], "{view}");
    let reveal = operations
        .iter()
        .find(|o| o["operation"] == "reveal to all");
    assert_eq!(reveal.expect("its reveal")["correct"], "proved");
}

#[test]
fn build_writes_a_crate() {
    let base = folder("build");
    let script = examples().join("average_salary.smpc");
    let script = script.to_str().expect("UTF-8");
    let ran = smpc(&base, &["build", script, "-o", "crate"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let lib = std::fs::read_to_string(base.join("crate/src/lib.rs")).expect("the library");
    assert!(lib.contains("What do we earn on average?"), "{lib}");
    assert!(base.join("crate/Cargo.toml").exists());
    assert!(ran.out.contains("of cargo's registry"), "{}", ran.out);
    let ran = smpc(&base, &["build", script, "-o", "crate", "--json"]);
    let note = json(&ran)["notes"][0].clone();
    assert!(
        note.as_str()
            .is_some_and(|note| note.contains("cargo's registry")),
        "{note}"
    );
    let runtime = examples().with_file_name("runtime");
    let runtime = runtime.to_str().expect("UTF-8");
    let build = ["build", script, "-o", "other", "--runtime"];
    let ran = smpc(&base, &[&build[..], &[runtime]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!ran.out.contains("registry"), "{}", ran.out);
    // A folder without that crate, and one that is not there.
    for wrong in [".", "crate", "nowhere"] {
        let ran = smpc(&base, &[&build[..], &[wrong]].concat());
        assert_eq!(ran.code, 2, "{}", ran.out);
        assert!(ran.err.contains("no crate `smpc-runtime`"), "{}", ran.err);
    }
}

/// The files of a folder that are no folders, with their contents.
fn contents(folder: &std::path::Path) -> std::collections::BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let files = paths.filter(|path| path.is_file());
    files
        .map(|path| {
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, std::fs::read_to_string(path).expect("a text"))
        })
        .collect()
}

#[test]
fn build_overwrites_only_what_it_wrote() {
    let base = folder("rebuild");
    write(
        &base,
        "two.smpc",
        "party alice, bob;\ninput x: int from alice;\nreveal share x to bob as x;\nleaks x to bob;\n",
    );
    write(
        &base,
        "mine/Cargo.toml",
        "[package]\nname = \"mine\"\nversion = \"0.1.0\"\n",
    );
    write(&base, "mine/src/main.rs", "fn main() {}\n");
    let build = |script: &str, into: &str| smpc(&base, &["build", script, "-o", into]);
    let refused = |into: &str, file: &str| {
        let ran = build("two.smpc", into);
        assert_eq!(ran.code, 2, "{}", ran.out);
        let (told, place) = ("`smpc build` did not write it", format!("{into}/{file}"));
        assert!(
            ran.err.contains(told) && ran.err.contains(&place),
            "{}",
            ran.err
        );
        assert!(
            ran.err
                .contains("help: give the folder of an earlier build"),
            "{}",
            ran.err
        );
    };
    let before = contents(&base.join("mine/src"));
    refused("mine", "Cargo.toml");
    std::fs::remove_file(base.join("mine/Cargo.toml")).expect("a file");
    refused("mine", "src/main.rs");
    assert_eq!(contents(&base.join("mine/src")), before);
    assert!(contents(&base.join("mine")).is_empty());
    // Nor is a crate written beside what is no part of one; hidden files are a tool's.
    write(&base, "notes/notes.txt", "mine\n");
    write(&base, "notes/.keep", "");
    let ran = build("two.smpc", "notes");
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(
        ran.err.contains("notes/notes.txt") && ran.err.contains("empty or new"),
        "{}",
        ran.err
    );
    std::fs::remove_file(base.join("notes/notes.txt")).expect("a file");
    assert_eq!(build("two.smpc", "notes").code, 0);
    // Its own crate is written anew, without the module of a party that is gone, and what was added stays.
    let three = examples().join("average_salary.smpc");
    assert_eq!(build(three.to_str().expect("UTF-8"), "own").code, 0);
    assert!(base.join("own/src/employee_0.rs").exists());
    write(&base, "own/src/added.rs", "// mine\n");
    assert_eq!(build("two.smpc", "own").code, 0);
    assert_eq!(build("two.smpc", "fresh").code, 0);
    let (mut own, fresh) = (
        contents(&base.join("own/src")),
        contents(&base.join("fresh/src")),
    );
    assert_eq!(own.remove("added.rs").as_deref(), Some("// mine\n"));
    assert_eq!(own, fresh);
    // A file of that name that was added is not one that was generated.
    write(&base, "own/src/carol.rs", "// mine\n");
    write(
        &base,
        "two.smpc",
        "party alice, carol;\ninput x: int from alice;\nreveal share x to carol as x;\nleaks x to carol;\n",
    );
    refused("own", "src/carol.rs");
    assert_eq!(
        contents(&base.join("own/src"))
            .remove("carol.rs")
            .as_deref(),
        Some("// mine\n")
    );
}

#[test]
fn a_size_is_no_zero() {
    let base = folder("size");
    write(
        &base,
        "s.smpc",
        "party alice;\nparam k: int = 3;\ninput x: [int; n] from alice;\nreveal sum(share x) + k as s;\nleaks n to all, s to all;\n",
    );
    let build = |size: &str| smpc(&base, &["build", "s.smpc", "-o", "crate", "--size", size]);
    for wrong in ["n=0", "n=-1", "n=x"] {
        let ran = build(wrong);
        assert_eq!(ran.code, 2, "{}", ran.out);
        assert!(
            ran.err.contains("integer of at least 1: no axis"),
            "{}",
            ran.err
        );
    }
    assert!(!base.join("crate").exists());
    let args = [
        "build", "s.smpc", "-o", "crate", "--size", "k=5", "--set", "k=3",
    ];
    let ran = smpc(&base, &args);
    assert_eq!(ran.code, 2, "{}", ran.out);
    let text = "`--size k=5`: `--set k=3` gives this parameter a value, too";
    assert!(ran.err.contains(text), "{}", ran.err);
    assert!(!base.join("crate").exists());
    assert_eq!(build("k=0").code, 0);
    assert_eq!(build("n=1").code, 0);
}

/// Which of the two was meant cannot be known.
#[test]
fn a_parameter_is_given_once() {
    let base = folder("twice");
    write(
        &base,
        "s.smpc",
        "party alice;\nparam k: int;\ninput x: int from alice;\nreveal share x + k as s;\nleaks s to all;\n",
    );
    write(&base, "s/alice/x.csv", "1\n");
    assert_eq!(smpc(&base, &["run", "s.smpc", "--set", "k=1"]).code, 0);
    for command in [
        &["run", "s.smpc"][..],
        &["cost", "s.smpc"],
        &["build", "s.smpc", "-o", "c"],
    ] {
        let ran = smpc(
            &base,
            &[command, &["--set", "k=1", "--set", "k=2"]].concat(),
        );
        assert_eq!(ran.code, 2, "{command:?}: {}", ran.out);
        assert!(
            ran.err
                .contains("`--set k=2`: this parameter is given twice"),
            "{}",
            ran.err
        );
    }
}

/// It ends the run, not the process, and says where. The limit stands for a machine's memory.
#[cfg(unix)]
#[test]
fn more_than_memory_holds_is_an_error_of_the_run() {
    let base = folder("memory");
    let script = "\
party alice;
param k: int;
input x: int from alice;
let z = zeros(k);
reveal share x + sum(z) as s;
leaks s to all;
";
    write(&base, "s.smpc", script);
    write(&base, "s/alice/x.csv", "1\n");
    let limited = |k: &str| {
        let command = "ulimit -v 8000000; exec \"$@\"";
        std::process::Command::new("sh")
            .args(["-c", command, "sh", env!("CARGO_BIN_EXE_smpc")])
            .args(["run", "s.smpc", "--set", k])
            .current_dir(&base)
            .env("NO_COLOR", "1")
            .output()
            .expect("a shell")
    };
    assert_eq!(limited("k=3").status.code(), Some(0));
    let ended = limited("k=1000000000000");
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(4), "{told}");
    assert!(told.contains("I30") && told.contains("s.smpc:5"), "{told}");
    assert!(
        told.contains("more elements than memory can hold"),
        "{told}"
    );
}

/// Bob computes for hours by himself, and alice has failed.
#[test]
fn a_party_that_computes_notices_that_another_has_failed() {
    let base = folder("busy");
    write(
        &base,
        "s.smpc",
        "party alice, bob;
param k: int = 200000000000;
input x: [int; n] from alice;
input w: int from bob;
let z = share x;
let p = reveal z[0] to alice as p;
let y = x[p] * p;
let mut t = w;
for i in 0..k { t = t + i; }
reveal share y + share t to bob as s;
leaks n to all, p to alice, s to bob;
",
    );
    write(&base, "s/alice/x.csv", "5\n6\n");
    write(&base, "s/bob/w.csv", "3\n");
    let ran = smpc(&base, &["run", "s.smpc"]);
    assert_eq!(ran.code, 4, "{}", ran.out);
    assert!(
        ran.err.contains("index 5 is out of range for length 2"),
        "{}",
        ran.err
    );
}

#[test]
fn keys_that_cannot_work_are_not_made() {
    let base = folder("keygen");
    let keys = |arguments: &[&str]| smpc(&base, &[&["keygen", "-o", "k"], arguments].concat());
    let refused = |arguments: &[&str], why: &str| {
        let ran = keys(arguments);
        assert_eq!(ran.code, 2, "{}", ran.out);
        assert!(ran.err.contains(why), "{}", ran.err);
    };
    refused(
        &["alice", "bob", "--port", "65535"],
        "no port 65536 for bob",
    );
    refused(&["=x"], "no name of a party");
    refused(&["alice=localhost"], "the address of alice: `localhost`");
    refused(&["alice=h:1", "bob=h:1"], "bob has the address of alice");
    refused(&["alice", "alice"], "named twice");
    assert!(!base.join("k").exists());
    let ran = keys(&["alice=h:1"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!ran.out.contains("every party's key"), "{}", ran.out);
    assert!(ran.out.contains("Hand out alice.pem"), "{}", ran.out);
    // One by one into one folder is no way, and leaves nothing behind.
    refused(&["bob=h:2"], "nothing is overwritten");
    let there = std::fs::read_dir(base.join("k")).expect("the folder");
    assert_eq!(there.count(), 4);
}
