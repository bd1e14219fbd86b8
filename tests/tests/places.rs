//! Errors of a run name the line of the script where the party is. Each message of a run is taken away in turn, and runs
//! fail by what the values do not allow: every party ends with the same code, in the same round and at the same line whether it
//! is interpreted or compiled, and the line is that of the statement that it carries out.

use smpc_codegen::Runtime;
use smpc_driver::{Binding, compile, run_place};
use smpc_grammar::Sources;
use smpc_interp::{Setup, endpoint};
use smpc_ir::SizeVar;
use smpc_ir::local::Source;
use smpc_ir::party::{Elem, Party};
use smpc_ir::share::{SizeOrigin, Type};
use smpc_runtime::Tensor;
use smpc_tests::generated::batch::{Batch, modules};
use smpc_tests::generated::harness::{SEED, ends, error};
use smpc_tests::generated::{Subject, sizes_of_inputs};
use smpc_tests::process::Folder;

/// Several lines in a round, and results that only later lines read.
const LINES: &str = "\
party a, b;
input x: [int; n] from a;
input y: int from b;
let own = x[x[0]];
let p = share own;
let q = share y;
let r = share x[1];
let m = p * q;
reveal m * r as s;
leaks n, s to all;
";

/// Branches that are taken and others that are not, loops of both kinds with messages in them, trees, several audiences.
const BRANCHES: &str = "\
party a, b;
param which: int = 0;
input x: [int; n] from a;
input y: [int; n] from b;
let p = share x;
let q = share y;
let first = reveal p[0];
let mut s = p[1] * q[1];
if first == 1 { s = s * q[0]; }
if first == 2 {
    s = s + p[first];
    s = s * s;
}
let mut own = y[0];
for i in 0..n {
    s = s * p[i];
    own = own + y[own];
    let more = reveal q[i] > 1;
    if more { s = s + share own; }
}
let mut i = 0;
while reveal (s + i < 40) as going_on {
    s = s * 2 + 1;
    i += 1;
}
let most = max(p * q);
reveal most to a as most;
reveal sum(scan(p, (u, v) => u * v)) + s as all_of_it;
leaks more to all for i in 0..n;
leaks n, first, going_on, all_of_it to all, most to a;
";

/// Functions of the library, of which errors name the script's line that calls them, and functions of the script in several
/// calls.
const CALLS: &str = "\
party a, b;
fn pick(v: [int; n], i: int) -> int { v[i] }
fn both(v: [int; n], i: int) -> int {
    let one = pick(v, i);
    one + pick(v, i + 1)
}
input x: [int; n] from a;
input y: [int; n] from b;
let mut most = max(share x[0], share y[0]);
most = max(most, share x[1] * share y[1]);
let first = both(x, x[0]);
let second = both(x, x[1]);
reveal most as most;
reveal share first as first;
reveal share second as second;
leaks n, most, first, second to all;
";

/// Many ways to fail, one at a time.
const FAILING: &str = "\
party a, b;
param which: int = 0;
param d: int = 0;
input x: [int; n] from a;
input f: [fix; m] from b;
let p = share x;
let first = reveal p[0];
let mut s = share 0;
let mut own = x[0];
if which == 1 { s = p[first]; }
if which == 2 { s = s + first / (first - first); }
if which == 3 { assert(first < 0); }
if which == 4 { own = x[own]; }
if which == 5 { own = own / (own - own); }
let unread = x[own - 3 + d] * 0;
let mut q = f[0];
if which == 6 { q = ln(q - q); }
if which == 7 { q = sqrt(q - q - 1); }
if which == 8 { q = exp(q * 1000); }
if which == 9 { q = f[m - first]; }
if which == 10 {
    let much = q * 1000000000;
    q = much * much * much;
}
reveal s + share own as s;
reveal share q + share(unread * 0.5) as q;
leaks n, m, first, s, q to all;
";

/// A script with its public values and inputs.
struct Run {
    name: &'static str,
    text: String,
    params: Vec<i128>,
    inputs: Vec<Vec<i128>>,
}

fn run(name: &'static str, scheme: &str, text: &str, params: &[i128], inputs: &[&[i128]]) -> Run {
    let (first, rest) = text.split_once('\n').expect("lines");
    Run {
        name,
        text: format!("{first} {scheme}\n{rest}"),
        params: params.to_vec(),
        inputs: inputs.iter().map(|values| values.to_vec()).collect(),
    }
}

/// A place as errors show it, with the files' names alone.
fn place(sources: &Sources, folder: &Folder, source: Source) -> String {
    let place = run_place(sources, source).unwrap_or_default();
    place.replace(
        &format!("{}/", folder.path("").display()).replace("//", "/"),
        "",
    )
}

/// How the interpreted parties end, and the compiled program's module.
fn subject(folder: &Folder, run: &Run) -> (Subject, String) {
    let path = folder.write(&format!("{}.smpc", run.name), &run.text);
    let mut sources = Sources::new();
    let compiled = compile(&mut sources, &path, &Binding::default())
        .unwrap_or_else(|failure| panic!("{}", failure.lines(&sources).join("\n")));
    let module = compiled.module(
        &sources,
        run.name,
        Runtime::Within("::smpc_runtime".into()),
        &[],
    );
    let text = match module {
        Ok(module) => module.text,
        Err(failure) => panic!("{}", failure.lines(&sources).join("\n")),
    };
    let lines = text.lines().filter(|line| !line.starts_with("#[allow("));
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    let valid = compiled.bound.program.validated();
    let program = valid.program();
    let mut inputs = vec![];
    let mut sizes = vec![0; program.sizes.len()];
    for (at, size) in program.sizes.iter().enumerate() {
        let var = SizeVar(u32::try_from(at).expect("a size"));
        let given = program.inputs.iter().zip(&run.inputs);
        let mut of = given.filter(|(input, _)| input.shape.iter().any(|dim| dim.mentions(var)));
        if let Some((_, values)) = of.next() {
            sizes[at] = values.len() as i128;
        }
        if let SizeOrigin::Param(own) = size.origin {
            sizes[at] = run.params[own as usize];
        }
    }
    for (input, values) in program.inputs.iter().zip(&run.inputs) {
        let elem = match input.ty {
            Type::Int => Elem::Ring(program.ring_bits),
            _ => Elem::Fix,
        };
        let shape = if input.shape.is_empty() {
            vec![]
        } else {
            vec![values.len()]
        };
        inputs.push(Tensor::from_i128s(elem, &shape, values).expect("an input"));
    }
    let mut publics = sizes_of_inputs(program, &sizes);
    publics.extend(&run.params);
    let setup = Setup {
        sizes,
        params: run.params.clone(),
        inputs: inputs.iter().cloned().map(Some).collect(),
        seed: Some(SEED),
        ..Setup::default()
    };
    let names: Vec<&str> = program.parties.iter().map(String::as_str).collect();
    let expected = ends(&names, &|me, channel| {
        let party = Party(u8::try_from(me).expect("a party"));
        let run = endpoint(valid, party, &setup, channel);
        run.map(drop)
            .map_err(|e| error(e.code, &e.message, &place(&sources, folder, e.source)))
    });
    let subject = Subject {
        name: run.name.to_owned(),
        publics,
        inputs,
        expected,
        ends: true,
    };
    (subject, text)
}

/// How the interpreted parties of a run end.
fn interpreted<'s>(subjects: &'s [(String, Subject)], name: &str) -> &'s str {
    let named = subjects.iter().find(|(_, subject)| subject.name == name);
    &named.expect("a run").1.expected
}

/// Compares how the parties of these runs end, interpreted and compiled. Of some runs a line is known.
fn compare(folder: &str, runs: &[Run], known: &[(&str, &str)]) -> Vec<(String, Subject)> {
    let own = Folder::new(folder);
    let (subjects, codes): (Vec<_>, Vec<_>) = (runs.iter())
        .map(|run| {
            let (subject, code) = subject(&own, run);
            ((format!("{folder}::{}", run.name), subject), code)
        })
        .unzip();
    for (name, line) in known {
        let found = interpreted(&subjects, name);
        assert!(
            found.lines().any(|own| own == *line),
            "{line}\nnot in\n{found}"
        );
    }
    let texts: Vec<&str> = codes.iter().map(String::as_str).collect();
    let package = modules(folder, &texts);
    let batch = Batch::new(env!("CARGO_TARGET_TMPDIR"), folder, 0, vec![package]);
    let wrong = batch.differences(&subjects).expect("code that compiles");
    let wrong: Vec<String> = wrong
        .iter()
        .map(|(name, lines)| format!("{name}: {lines}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    batch.lint().expect("code without warnings");
    subjects
}

const REP3: &str = "using rep3;";
const ADDITIVE: &str = "using additive;";
/// 1 in fixed point.
const ONE: i128 = 1 << 64;

#[test]
fn each_message_has_its_line() {
    let runs = [
        run("lines", REP3, LINES, &[], &[&[1, 4, 3], &[5]]),
        run("lines_dealt", ADDITIVE, LINES, &[], &[&[1, 4, 3], &[5]]),
        run("out_of_range", REP3, LINES, &[], &[&[7, 4, 3], &[5]]),
    ];
    let known = [
        (
            "out_of_range",
            "a: I30 index 7 is out of range for length 3 [out_of_range.smpc:4]",
        ),
        (
            "lines",
            "without message 3 to P[1], P[1]: I31 a, message 3: the connection broke, in round 1 [lines.smpc:5]",
        ),
    ];
    compare("places_lines", &runs, &known);
}

/// The line in the library is none of the script's.
#[test]
fn a_function_has_the_line_that_calls_it() {
    let runs = [
        run("calls", REP3, CALLS, &[], &[&[0, 1, 2], &[5, 4, 3]]),
        run("second_call", REP3, CALLS, &[], &[&[0, 2, 2], &[5, 4, 3]]),
    ];
    let known = [(
        "second_call",
        "a: I30 index 3 is out of range for length 3 [second_call.smpc:2, called at \
         second_call.smpc:5, called at second_call.smpc:12]",
    )];
    let subjects = compare("places_calls", &runs, &known);
    let calls = interpreted(&subjects, "calls");
    assert!(!calls.contains("std::"), "{calls}");
    for line in [9, 10] {
        let place = format!("[calls.smpc:{line}]");
        assert!(calls.contains(&place), "{line}: {calls}");
    }
}

#[test]
fn branches_and_loops_have_their_lines() {
    let runs = [
        run("branches", REP3, BRANCHES, &[0], &[&[1, 2, 3], &[1, 1, 0]]),
        run(
            "branches_dealt",
            ADDITIVE,
            BRANCHES,
            &[0],
            &[&[2, 2, 3], &[0, 2, 1]],
        ),
        run("far_out", REP3, BRANCHES, &[0], &[&[2, 2, 3], &[1, 2, 1]]),
    ];
    compare("places_branches", &runs, &[]);
}

#[test]
fn what_values_do_not_allow_has_its_line() {
    const FAILURES: [&str; 11] = [
        "fails0", "fails1", "fails2", "fails3", "fails4", "fails5", "fails6", "fails7", "fails8",
        "fails9", "fails10",
    ];
    let inputs: [&[i128]; 2] = [&[4, 0, 0], &[ONE, 2 * ONE]];
    let mut runs: Vec<Run> = (0i128..)
        .zip(FAILURES)
        .map(|(which, name)| run(name, REP3, FAILING, &[which, 0], &inputs))
        .collect();
    runs.push(run("unread", REP3, FAILING, &[0, 7], &inputs));
    let known = [(
        "unread",
        "a: I30 index 8 is out of range for length 3 [unread.smpc:15]",
    )];
    compare("places_values", &runs, &known);
}
