//! `smpc verify` as a user calls it: verdicts, certificates, exit codes.

mod common;

use common::{Ran, folder, json, smpc, write};
use std::path::Path;

/// Additive sharing of two parties with a product by a helper T, who knows only masks.
const GOOD: &str = r#"
backend pair(k: int = 64) { int, fix<f>: Pair<Z[2^k]>; }
scheme Pair<R: Ring> {
    parties P[2];
    dealer T;
    corrupt 1 of P semihonest;
    corrupt T semihonest;
    share x = x[0] + x[1];
    P[i] holds x[i];
}
protocol share<D: party>(v: R @ D) -> x: Pair<R>
    ensures x == v
    private
{
    x[1] <- R @ {D, P[1]};
    x[0] = v - x[1];
    D -> P[0]: x[0];
}
protocol reveal(x: Pair<R>) -> v: R @ P
    requires fresh x
    ensures v == x
    private
{
    for each P[i] { P[i] -> P: x[i]; }
    v = x[0] + x[1];
}
protocol mul(x, y: Pair<R>) -> z: Pair<R>
    ensures z == x * y
    bilinear private
{
    for each P[i] {
        let a[i] <- R @ {P[i], T};
        let b[i] <- R @ {P[i], T};
    }
    let r <- R @ {P[1], T};
    let c[0] = (a[0] + a[1]) * (b[0] + b[1]) - r;
    T -> P[0]: c[0];
    for each P[i] {
        let u[i] = x[i] - a[i];
        let w[i] = y[i] - b[i];
        P[i] -> P: u[i], w[i];
    }
    let d = u[0] + u[1];
    let e = w[0] + w[1];
    z[0] = c[0] + d * b[0] + e * a[0] + d * e;
    z[1] = r + d * b[1] + e * a[1];
}
"#;

fn verify(base: &Path, args: &[&str]) -> Ran {
    smpc(base, &[&["verify", "--runs", "100"], args].concat())
}

fn certified(base: &Path) -> String {
    write(base, "pair.smpc", GOOD);
    let ran = verify(base, &["./pair.smpc", "--certificate", "pair.cert"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("certificates written to pair.cert"));
    std::fs::read_to_string(base.join("pair.cert")).expect("certificates")
}

fn check(base: &Path, file: &str) -> Ran {
    smpc(base, &["verify", "--check", file])
}

#[test]
fn a_proof_is_written_and_accepted_again() {
    let base = folder("verify_certificate");
    let text = certified(&base);
    assert!(text.contains("protocol mul\n"), "{text}");
    let ran = check(&base, "pair.cert");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let count = text
        .lines()
        .filter(|l| l.starts_with("certificate "))
        .count();
    assert!(ran.out.contains(&format!("{count} certificates accepted")));
    let report = json(&smpc(&base, &["verify", "--check", "pair.cert", "--json"]));
    assert_eq!(report["accepted"], count);
    assert_eq!(report["open"].as_array().map(Vec::len), Some(0));
    let of = |goal: &str| {
        let of_goal = text
            .lines()
            .filter(|l| l.starts_with("certificate ") && l.contains(goal));
        of_goal.count()
    };
    let (private, fresh) = (of(" privacy"), of(" freshness"));
    assert!(private > 0 && fresh > 0);
    let counted = format!(", {private} of privacy, {fresh} of freshness\n");
    assert!(ran.out.contains(&counted), "{}", ran.out);
    assert_eq!(report["freshness"], fresh);
    // Nothing half-written beside it.
    assert!(!base.join("pair.cert.part").exists());
}

#[test]
fn certificates_without_freshness_are_said_to_be_so() {
    let base = folder("verify_without_freshness");
    let text = certified(&base);
    let mut kept = String::new();
    let mut drops = false;
    for line in text.lines() {
        if line.starts_with("certificate ") || line.starts_with("protocol ") {
            drops = line.contains(" freshness");
        }
        if !drops {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    write(&base, "kept.cert", kept);
    let ran = check(&base, "kept.cert");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains(" 0 of freshness\nnone is of freshness"),
        "{}",
        ran.out
    );
}

#[test]
fn the_order_of_a_shuffle_is_accepted_as_privacy() {
    let base = folder("verify_certificate_of_a_shuffle");
    let ran = verify(&base, &["rep3", "--certificate", "rep3.cert"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let ran = check(&base, "rep3.cert");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

#[test]
fn what_is_not_read_or_not_executable_names_what_is_to_be_written() {
    let base = folder("verify_not_read");
    let text = format!(
        "{GOOD}\nprotocol low(x: R @ P[0]) -> z: R @ P[0]\n    ensures z == x.bits[0]\n{{ z = x; }}\n\
         protocol range(x: R @ P[0]) -> z: R @ P[0] {{ let r <- 0..2^60 @ P[0]; z = x + r; }}\n\
         protocol whole(x: R @ P[0]) -> z: R @ P[0] {{ z = uint(x); }}\n\
         protocol digest(x: R @ P[0]) -> z: R @ P[0] {{ z = hash(x); }}\n"
    );
    let line = text
        .lines()
        .position(|l| l.contains("ensures z == x.bits"))
        .map(|at| at + 1);
    write(&base, "pair.smpc", &text);
    let ran = verify(&base, &["./pair.smpc"]);
    let said = |name: &str| {
        let found = ran.out.lines().find(|l| l.starts_with(name));
        found.unwrap_or_else(|| panic!("{name}: {}", ran.out))
    };
    let low = said("low, correct");
    assert!(
        low.contains(&format!("line {}: a clause is made of", line.unwrap_or(0))),
        "{low}"
    );
    assert!(said("range is not").contains("let b <- Bits[m]"));
    assert!(said("whole is not").contains("bits(x) as R"));
    assert!(said("digest is not").contains("agree v"));
}

#[test]
fn a_changed_certificate_is_refused() {
    let base = folder("verify_changed_certificate");
    let text = certified(&base);
    let lines: Vec<&str> = text.lines().collect();
    let (mut refused, mut tried) = (0, 0);
    for (at, line) in lines.iter().enumerate() {
        let Some((element, coin)) = line.split_once(" by coin ") else {
            continue;
        };
        tried += 1;
        // Another coin, and no substitution at all.
        for change in [format!("{element} by coin 9999 # {coin}"), String::new()] {
            let mut changed = lines.clone();
            changed[at] = &change;
            write(&base, "changed.cert", changed.join("\n"));
            let ran = check(&base, "changed.cert");
            assert!(ran.code == 1 || change.is_empty(), "{line}: {}", ran.out);
            refused += usize::from(ran.code == 1 && ran.out.contains("refused: "));
        }
    }
    assert!(tried > 3 && refused > tried, "{refused} of {tried}");
}

#[test]
fn a_certificate_is_about_the_present_text() {
    let base = folder("verify_other_text");
    certified(&base);
    // The first summand of the opened difference without its mask.
    write(
        &base,
        "pair.smpc",
        GOOD.replace("let u[i] = x[i] - a[i];", "let u[i] = x[i] + 0 * a[i];"),
    );
    let ran = check(&base, "pair.cert");
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains("refused: mul"), "{}", ran.out);
}

#[test]
fn a_missing_certificate_leaves_a_question_open() {
    let base = folder("verify_missing_certificate");
    let text = certified(&base);
    let end = text.find("protocol mul\n").expect("the product");
    let start = text[..end].rfind("protocol ").expect("another");
    let without = format!("{}{}", &text[..start], &text[end..]);
    write(&base, "short.cert", without);
    let ran = check(&base, "short.cert");
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(
        ran.out.contains("no certificate of privacy: "),
        "{}",
        ran.out
    );
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let base = folder("verify_files");
    write(
        &base,
        "none.cert",
        "smpc certificates 2\nscheme rep3\nparties three\n",
    );
    let ran = check(&base, "none.cert");
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("error[I19]") && ran.err.contains("none.cert"),
        "{}",
        ran.err
    );
    let ran = check(&base, "missing.cert");
    assert!(
        ran.code == 2 && ran.err.contains("error[I15]"),
        "{}",
        ran.err
    );
    write(&base, "pair.smpc", GOOD);
    let ran = verify(&base, &["./pair.smpc", "--certificate", "no/such/folder/x"]);
    assert!(
        ran.code == 2 && ran.err.contains("error[I15]"),
        "{}",
        ran.err
    );
    let ran = verify(&base, &["./pair.smpc", "./pair.smpc", "--certificate", "x"]);
    assert!(
        ran.code == 2 && ran.err.contains("error[I17]"),
        "{}",
        ran.err
    );
}

/// What cannot be verified is told apart from a counter-example.
#[test]
fn what_cannot_be_verified_is_no_counter_example() {
    let base = folder("verify_codes");
    let mixed = GOOD.replace("let d = u[0] + u[1];", "let d = u[0] + nobody;");
    write(&base, "unknown.smpc", &mixed);
    write(&base, "open.smpc", format!("{GOOD}\nprotocol p("));
    let revealed = "protocol p(x: Pair<R>) -> v: R @ P ensures v == 3*x reveals v: int to all private { v = reveal(3*x); }";
    write(&base, "revealed.smpc", format!("{GOOD}\n{revealed}\n"));
    for (name, code) in [
        ("no_such_scheme", "I16"),
        ("rep3(k: 1)", "N43"),
        ("shamir(p: 4)", "N43"),
        ("./unknown.smpc", "P04"),
        ("./open.smpc", "S0"),
        ("./revealed.smpc", "P09"),
    ] {
        let ran = verify(&base, &[name]);
        let told = ran.err.contains(&format!("error[{code}"));
        assert!(ran.code == 2 && told, "{name}: {} {}", ran.code, ran.err);
    }
    let ran = verify(&base, &["rep3", "--parties", "5"]);
    assert!(
        ran.code == 2 && ran.err.contains("error[I17]"),
        "{}",
        ran.err
    );
}

/// A file's scheme takes arguments as one of the library does, and is tried in small rings all the same.
#[test]
fn schemes_with_arguments_are_tried_in_small_rings() {
    let base = folder("verify_arguments");
    let sign = "protocol sign(x: Pair<Z[2^k]>) -> z: Bits[1] @ P[0] requires fresh x ensures z == (x < 0) {\n\
                P[1] -> P[0]: x[1]; z = msb(bits(x[0] + x[1])); }";
    write(&base, "pair.smpc", format!("{GOOD}\n{sign}\n"));
    let script = "party a; input x: int from a; reveal share x as y; leaks y to all;";
    write(&base, "script.smpc", script);
    let mut costs = Vec::new();
    for name in ["./pair.smpc", "./pair.smpc(k: 32)"] {
        let report = json(&verify(&base, &[name, "--json"]));
        let operations = report["schemes"][0]["operations"].as_array();
        let row = operations.and_then(|all| all.iter().find(|o| o["operation"] == "sign"));
        let correct = &row.expect("the protocol")["correctness"];
        assert_eq!(correct["verdict"], "exhausted", "{name}: {correct}");
        let cost = smpc(&base, &["cost", "script.smpc", "--scheme", name]);
        assert_eq!(cost.code, 0, "{name}: {}{}", cost.out, cost.err);
        costs.push(cost.out);
    }
    assert_ne!(costs[0], costs[1], "half as many bytes");
    let ran = verify(&base, &["aby(k: 32)", "--strict"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    for name in [
        "./pair.smpc(k 32)",
        "./pair.smpc(k: 32",
        "pair(",
        "./pair.smpc(m: 32)",
    ] {
        let ran = verify(&base, &[name]);
        assert_eq!(ran.code, 2, "{name}: {}", ran.out);
        assert!(ran.err.contains("error["), "{name}: {}", ran.err);
    }
}

/// A protocol whose text cannot be made flat is told once for each row, with the line at fault.
#[test]
fn what_cannot_be_made_flat_names_its_line() {
    let base = folder("verify_unmade");
    let odd = "protocol odd(x: Pair<R>) -> z: Pair<R> ensures z == x private {\n\
               z = sum(x);\n}";
    let text = format!("{GOOD}\n{odd}\n");
    let line = text
        .lines()
        .position(|l| l.contains("z = sum(x);"))
        .expect("a line")
        + 1;
    write(&base, "pair.smpc", &text);
    let ran = verify(&base, &["./pair.smpc"]);
    let told: Vec<&str> = ran
        .out
        .lines()
        .filter(|l| l.starts_with("odd is not looked at"))
        .collect();
    assert_eq!(told.len(), 1, "{}{}", ran.out, ran.err);
    assert!(
        told[0].ends_with(&format!("pair.smpc:{line}")),
        "{}",
        told[0]
    );
    assert!(!ran.out.contains("odd, correct"), "{}", ran.out);
}

/// A sharing that tells low bits is refused at its equation.
#[test]
fn even_coefficients_are_refused() {
    let base = folder("verify_even");
    let even = GOOD.replace("share x = x[0] + x[1];", "share x = x[0] + 2*x[1];");
    write(&base, "pair.smpc", &even);
    let ran = verify(&base, &["./pair.smpc"]);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    let line = even
        .lines()
        .position(|l| l.contains("2*x[1]"))
        .expect("a line")
        + 1;
    assert!(
        ran.err.contains("error[P06]") && ran.err.contains("`x[1]` has an even coefficient"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains(&format!("pair.smpc:{line}")),
        "{}",
        ran.err
    );
}

#[test]
fn certificates_are_about_so_many_parties() {
    let base = folder("verify_check_parties");
    let text = certified(&base);
    for number in [3, 25, 99_999] {
        let other = text.replace("\nparties 2\n", &format!("\nparties {number}\n"));
        assert_ne!(other, text);
        write(&base, "other.cert", &other);
        let ran = check(&base, "other.cert");
        let told =
            ran.err.contains("error[I19]") && ran.err.contains(&format!("about {number} parties"));
        assert!(ran.code == 2 && told, "{} {}", ran.code, ran.err);
    }
}

#[test]
fn a_row_says_what_it_is_private_up_to() {
    let base = folder("verify_given");
    let opened = "protocol opened(x, y: Pair<R>) -> v: R @ P ensures v == x * y private { v = reveal(mul(x, y)); }";
    write(&base, "pair.smpc", format!("{GOOD}\n{opened}\n"));
    let ran = verify(&base, &["./pair.smpc", "--strict"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("proved, given v"), "{}", ran.out);
    let report = json(&verify(&base, &["./pair.smpc", "--json"]));
    let operations = report["schemes"][0]["operations"].as_array();
    let row = operations.and_then(|all| all.iter().find(|o| o["operation"] == "opened"));
    let private = row
        .and_then(|row| row["private"].as_array())
        .expect("a list");
    for entry in private {
        let holds = entry["coalition"] != "{T}";
        assert_eq!(entry["given"] == serde_json::json!(["v"]), holds, "{entry}");
    }
}

#[test]
fn a_leak_names_its_message_and_its_line() {
    let base = folder("verify_leak");
    // A mask told to both parties.
    let bad = GOOD.replace(
        "let a[i] <- R @ {P[i], T};",
        "let a[i] <- R @ {P[0], P[1], T};",
    );
    write(&base, "pair.smpc", &bad);
    let line = bad
        .lines()
        .position(|l| l.contains("u[i], w[i];"))
        .expect("the message")
        + 1;
    let ran = verify(&base, &["./pair.smpc"]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains("mul LEAKS to {P[0]}"), "{}", ran.out);
    assert!(
        ran.out.contains(&format!("pair.smpc:{line}")),
        "{}",
        ran.out
    );
    let report = json(&verify(&base, &["./pair.smpc", "--json"]));
    let operations = report["schemes"][0]["operations"]
        .as_array()
        .expect("a list");
    let mul = operations
        .iter()
        .find(|o| o["operation"] == "mul")
        .expect("the product");
    let leak = mul["private"].as_array().expect("a list").iter();
    let leak = leak
        .clone()
        .find(|v| v["verdict"] == "LEAKS")
        .expect("a leak");
    assert_eq!(leak["inputs"].as_array().map(Vec::len), Some(2));
    assert!(
        leak["line"]
            .as_str()
            .is_some_and(|l| l.ends_with(&format!(":{line}")))
    );
    assert_eq!(mul["correctness"]["verdict"], "proved");
}

#[test]
fn an_open_question_fails_only_if_asked_to() {
    let base = folder("verify_strict");
    // No identity of polynomials, and in small rings the numbers are others.
    let text = format!(
        "{GOOD}\nprotocol same(x: Pair<Z[2^k]>) -> z: Pair<Z[2^k]>\n    ensures z == x\n    private\n{{\n    \
         let n = ((x[0] < 1000003) as Z[2^k]) + ((1000002 < x[0]) as Z[2^k]);\n    z[0] = x[0] + n - 1; z[1] = x[1];\n}}\n"
    );
    write(&base, "pair.smpc", text);
    let ran = verify(&base, &["./pair.smpc"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("same, correct: "), "{}", ran.out);
    assert_eq!(verify(&base, &["./pair.smpc", "--strict"]).code, 2);
}

/// The exit code is that of the verdicts: nothing is refuted, and what is open fails if asked to.
#[test]
fn all_of_the_library_is_verified() {
    let base = folder("verify_all");
    let args = ["verify", "--all", "--strict", "--runs", "20", "--json"];
    let ran = smpc(&base, &args);
    let report = json(&ran);
    let schemes = report["schemes"].as_array().expect("a list of schemes");
    let names: Vec<&str> = schemes
        .iter()
        .filter_map(|s| s["scheme"].as_str())
        .collect();
    for name in ["plain", "rep3", "additive", "shamir", "spdz", "fantastic4"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let (mut rows, mut tried, mut open) = (0, 0, false);
    for scheme in schemes {
        for row in scheme["operations"].as_array().expect("operations") {
            rows += 1;
            // Random runs are the endpoints' and not those of the prover's machine.
            let correct = &row["correctness"];
            if let Some(runs) = correct["runs"].as_u64() {
                assert_eq!(correct["runs_by"], "endpoints", "{}", row["operation"]);
                assert!(runs > 0, "{} {}", scheme["scheme"], row["operation"]);
                tried += 1;
            }
            let lists = [&row["private"], &row["active"]];
            let all = lists.iter().filter_map(|list| list.as_array()).flatten();
            let verdicts = all.chain([&row["correctness"]]);
            for verdict in verdicts.map(|entry| &entry["verdict"]) {
                let word = verdict.as_str().expect("a verdict");
                let refuted = ["LEAKS", "WRONG"].contains(&word);
                assert!(!refuted, "{} {}", scheme["scheme"], row["operation"]);
                open |= word == "unknown";
            }
            let active = row["active"].as_array().into_iter().flatten();
            open |= active.into_iter().any(|one| one["private"] == false);
        }
    }
    assert!(rows > 200 && tried > 50, "{rows} {tried}");
    assert_eq!(ran.code, if open { 2 } else { 0 }, "{}", ran.err);
}
