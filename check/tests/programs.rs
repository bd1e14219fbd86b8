//! Small scripts, one construct each: they check, and their programs keep the rules.

use smpc_check::{NoFiles, Options, check, print, validate};
use smpc_grammar::Sources;

/// The program of a script as text.
fn program(script: &str) -> String {
    let mut sources = Sources::new();
    let root = sources.add("script", script);
    match check(&mut sources, root, &NoFiles, &Options::default()) {
        Ok(checked) => {
            let text = print(&checked.program);
            assert_eq!(validate(&checked.program), Ok(()), "{text}");
            text
        }
        Err(errors) => {
            let lines: Vec<String> = errors
                .iter()
                .map(|e| {
                    let text = &sources.get(e.span.file).expect("a file").text;
                    let at = &text[e.span.start as usize..e.span.end as usize];
                    format!("{}: {} [{at}] {:?}", e.code, e.message, e.help)
                })
                .collect();
            panic!("{}", lines.join("\n"));
        }
    }
}

macro_rules! right {
    ($($name:ident: $script:literal;)*) => { $(
        #[test]
        fn $name() {
            let text = program($script);
            if std::env::var("SHOW").is_ok() {
                println!("== {}\n{text}", stringify!($name));
            }
        }
    )* };
}

right! {
    a_loop_inside_may_make_secret_what_stays_public: "party a; input x: int from a;
let mut (w, t, low) = (0, 0, 0);
for i in 0..2 {
    let old = w;
    for j in 0..2 { for k in 0..2 { w += share x; t = w; } }
    w = old;
    if w == 0 { low += 1; }
}
if low == 2 { t += w; }
reveal t as t; leaks t to all;";
    sizes_of_a_dropped_arm_are_forgotten: "party a; input x: [int; n] from a;
fn first<k>(xs: [int; k]) -> int { xs[0] }
if !(true and true) {
    for i in 0..n, j in 0..i + 1 if i != j { }
}
reveal sum(share x) as y; leaks n, y to all;";
    scatter_by_element: "party a; input x: [int; n] from a;
fn spread(v: int) -> [int; 3] { scatter([0; 3], [2, 0], [v, 1]) }
fn one(v: int, at: int) -> [int; 3] { let mut z = [0; 3]; z[at] = v; z }
let order = [n - 1 - i for i in 0..n];
reveal [sum(spread(v)) for v in share x] as out;
reveal [one(x[i], i % 3) for i in 0..n] as single;
leaks n, out, single to all;";
    reveal_in_loops: "party a; input x: [int; n] from a;
let s = share x;
let mut more = true;
for i in 0..n {
    while more or n > 9 {
        if i > 2 { if more and n == 1 { let low = reveal s[i] < 0; more = low; } }
    }
}
leaks n to all, low to all when i > 2 and more and n == 1 for i in 0..n while more or n > 9;";
    nested_comprehension: "party a, b; input x: [fix; n, d] from a; input y: [fix; m, d] from b;
let p = share x; let q = share y;
reveal [sum((p[i] - q[j])^2) for i in 0..n, j in 0..m] as distances;
leaks n, m, d, distances to all;";
    comprehension_over_rows: "party a; input x: [fix; n, d] from a;
let s = share x;
reveal [dot(row, row) for row in s] as norms; leaks n, d, norms to all;";
    diagonal_and_transposed: "party a; input x: [fix; n, n] from a;
let s = share x;
reveal [s[i, i] for i in 0..n] as diagonal;
reveal [s[j, i] for i in 0..n, j in 0..n] as turned;
leaks n, diagonal, turned to all;";
    matrix_in_comprehension: "party a, b; input w: [fix; k, d] from a; input x: [fix; n, d] from b;
let p = share w; let q = share x;
reveal [p @ q[i] for i in 0..n] as out; leaks k, n, d, out to all;";
    slices: "party a; input x: [int; n] from a;
let s = share x;
let d = [s[i + 1] - s[i] for i in 0..n - 1];
reveal concat(d, s[0..1]) as d; leaks n, d to all;";
    gathers: "party a; input x: [int; n] from a; input p: [int; m] from a;
let s = share x;
let q = reveal share p;
reveal s[q] as out; reveal [[s[q[j]] + s[i] for j in 0..m] for i in 0..n] as w;
reveal [s[min(i + k, n - 1)] for i in 0..n, k in 0..n] as v;
leaks n, m, q, out, w, v to all;";
    secret_index: "party a, b; input x: [fix; n] from a; input i: int from b;
let s = share x;
reveal s[secret share i] as v; leaks n, v to all;";
    loop_carries_a_scalar: "party a; input x: [fix; n] from a;
let s = share x;
let mut t = 0;
for i in 0..n { t = t * 0.5 + s[i]; }
reveal t as t; leaks n, t to all;";
    loop_of_elements: "party a; input x: [fix; n] from a;
let s = share x;
let mut z = zeros(n);
for i in 0..n { z[i] = s[i] * s[i]; }
reveal z as z; leaks n, z to all;";
    loop_of_steps: "party a; input x: [fix; n] from a;
let s = share x;
let mut z = zeros(n);
for i in 1..n { z[i] = z[i - 1] + s[i]; }
reveal z as z; leaks n, z to all;";
    conditional_in_a_loop: "party a; input x: [fix; n] from a;
let s = share x;
let mut t = 0;
for i in 0..n { if i % 2 == 0 { t += s[i]; } else { t -= s[i]; } }
reveal t as t; leaks n, t to all;";
    public_while: "party a; param n: int = 10; input x: fix from a;
let mut e = reveal share x;
let mut k = 0;
while e > 0.5 { e = e / 2; k += 1; }
reveal k as k; leaks e, k to all;";
    loop_in_a_comprehension: "party a; input x: [fix; n] from a;
fn power(v: fix, k: int) -> fix { let mut p: fix = 1; for i in 0..k { p = p * v; } p }
param k: int = 3;
reveal [power(v, k) for v in share x] as out;
reveal power(share x, 2) as squares;
leaks n, out, squares to all;";
    while_in_a_comprehension: "party a; input x: [int; n] from a;
fn halvings(v: int) -> int { let mut k = 0; let mut w = v; let done = while secret w > 1 max 8 { w -= 2; k += 1; }; k }
reveal halvings(share x) as out;
leaks n, out to all;";
    reduce_in_a_comprehension: "party a; input x: [int; n, d] from a;
let s = share x;
reveal [reduce(s[i], (a, b) => if secret a < b { b } else { a }) for i in 0..n] as top;
reveal [scan(s[i], (a, b) => a + b) for i in 0..n] as runs;
leaks n, d, top, runs to all;";
    reduce_of_tuples: "party a; input x: [fix; n] from a;
let s = share x;
let (value, at) = reduce([(s[i], i) for i in 0..n], (a, b) => if secret a.0 < b.0 { b } else { a });
reveal at as at; leaks n, at to all;";
    along_an_axis: "party a; input x: [fix; n, d] from a;
let s = share x;
reveal max(s, axis: 1) as top; reveal sum(s, axis: 0) as sums; reveal sum(s, axis: 1) as rows;
leaks n, d, top, sums, rows to all;";
    structs: "struct Row { age: int, pay: fix, name: text<4> }
party a, b; input r: [Row; n] from a; input q: [Row; m] from b;
let t = concat(share r, share q);
let old = [row.age > 40 and row.name != \"eve\" for row in t];
reveal sum(if secret old[i] { t[i].pay } else { 0 } for i in 0..n + m) as pay;
leaks n, m, pay to all;";
    bits: "party a; input x: bits<8> from a;
let s = share x;
let b = unpack(s);
reveal pack([b[7 - i] for i in 0..8]) as mirrored;
reveal ((s & 15) as int) as low; leaks mirrored, low to all;";
    elementwise_function: "party a; input x: [fix; n, d] from a;
fn clip(t: fix, low: fix, high: fix) -> fix { if secret t < low { low } else if secret t > high { high } else { t } }
reveal clip(share x, -1, 1) as c; reveal clip(share x, high: 2, low: 0.5) as e; leaks n, d, c, e to all;";
    function_that_reveals: "party a; input x: [int; n] from a;
fn opened<n>(v: [int; n]) -> [int; n] reveals w: [int; n] to all { let w = reveal v; w }
reveal share opened(share x) as y; leaks n, w, y to all;";
    tuple_revealed: "party a; input x: fix from a;
let s = share x;
let (p, q) = reveal (s + 1, s * 2);
leaks p, q to all;";
    switch_on_a_revealed_bool: "party a; input x: fix from a;
let s = share x;
let big = reveal s > 1;
let y = if big { s * 2 } else { 0 };
reveal y as y; leaks big, y to all;";
    two_inputs_of_one_length: "party a, b; input x: [fix; n] from a; input y: [fix; m] from b;
reveal share x @ share y as p; leaks n, m, p to all;";
    repeat_and_literals: "party a; input x: [fix; 3] from a;
let w = [0.5; 3]; let v = [1, 2.5, -3];
reveal share x @ (w + v) as p; leaks p to all;";
    guards_over_families: "party p[4]; input x[i]: int from p[i];
reveal sum(share x[i] for p[i] if i != 0) as rest;
for each p[i] { let s[i] = share x[i]; }
reveal max([s[i] for p[i]]) as top;
leaks rest, top to all;";
}

#[test]
fn an_independent_loop_is_one_operation() {
    let text = program(
        "party a; input x: [fix; n] from a;
let s = share x;
let mut z = zeros(n);
for i in 0..n { let q = s[i] * s[i]; z[i] = z[i] + q; }
reveal z as z; leaks n, z to all;",
    );
    assert!(!text.contains("for n"), "{text}");
}

#[test]
fn sizes_that_must_agree_become_a_guard() {
    let text = program(
        "party a, b; input x: [fix; n] from a; input y: [fix; m] from b;
reveal share x @ share y as p; leaks n, m, p to all;",
    );
    assert!(text.starts_with("guard n == m"), "{text}");
}

/// What help says, put below a script.
#[test]
fn the_help_of_a_missing_line_completes_the_contract() {
    let script = "party a; input x: [int; n] from a;
let s = share x;
let mut more = true;
for row in 0..n, col in 0..n {
    if more or row > col { reveal s[row] as one; } else { reveal s[col] as other; }
}
while more and n > 1 {
    for k in 0..n { let low = reveal s[k] < 0; more = low; }
}
";
    let mut sources = Sources::new();
    let root = sources.add("script", script);
    let errors = check(&mut sources, root, &NoFiles, &Options::default()).expect_err("no contract");
    let mut whole = script.to_owned();
    for error in errors {
        assert_eq!(error.code, "R01");
        let help = error.help.expect("a help");
        let line = help
            .strip_prefix("write `")
            .and_then(|h| h.strip_suffix('`'));
        whole.push_str(line.expect("a line to write"));
        whole.push('\n');
    }
    program(&whole);
}

/// The type of an expression does not depend on a value.
#[test]
fn a_constant_condition_leaves_the_common_type() {
    for value in [
        "clamp(1.5, -1, 1)",
        "if 1 < 2 { 1 } else { 0.5 }",
        "if 2 < 1 { 0.5 } else { 1 }",
        "(if 1 < 2 { (1, true) } else { (0.5, false) }).0",
    ] {
        let text = program(&format!(
            "party a; param n: int = 1; let z = {value}; reveal z / 2 as half; leaks half to all;"
        ));
        assert!(text.contains("fix"), "{value}: {text}");
    }
    let text = program(
        "party a; let mut z = 1; if 2 < 1 { z = 0.5; } reveal z / 2 as half; leaks half to all;",
    );
    assert!(text.contains("fix"), "a variable: {text}");
    // An arm that cannot be elaborated has no say.
    program(
        "party a; input x: [int; 3] from a; let s = share x;
let y = if 2 < 1 { s[7] + nothing } else { s[0] };
reveal y as y; leaks y to all;",
    );
}

/// What a body asks for exists wherever the body is carried out.
#[test]
fn indices_that_a_range_or_a_condition_keeps_within() {
    let bodies = [
        "for i in 0..n { for j in i + 1..n { s = s * p[i, j]; } }",
        "for i in 0..n, j in i + 1..n { s = s * p[i, j]; }",
        "for i in 0..n, j in i + 2..n { s = s * p[j - 1, j]; }",
        "for i in 0..n { for j in i + 1..n { for k in j + 1..n { s = s * p[j, k]; } } }",
        "for i in 0..n { for j in 2 * i..n { s = s * p[j, j]; } }",
        "for i in 0..n { for j in i..m { s = s * q[i, j]; } }",
        "for i in 0..n { for j in i + 1..n { z[i, j] = p[j, i] * z[j, i]; } }",
        "for i in 0..n { for j in i + 1..n { v[j] = v[i] * p[i, j]; } }",
        "for i in 0..4 { for j in i + 1..4 { s = s * four[i] * four[j]; } }",
        "for i in 0..n { if i + 1 < n { s = s * v[i + 1]; } }",
        "for i in 0..n { if i == n - 1 { s = s * 2; } else { s = s * v[i + 1]; } }",
        "for i in 0..n { if !(i + 1 >= n or b) { s = s * v[i + 1]; } }",
        "for i in 0..n { for j in 0..n { if b and i + j < n { s = s * v[i + j]; } } }",
        "for i in 0..n { let far = i + k >= n; if far { s = s * 2; } else { s = s * v[i + k]; } }",
        "assert(k <= n); s = sum(v[0..k]);",
        "assert(1000 < n); s = v[1000];",
        "if m <= n { s = sum(v[i] for i in 0..m); }",
        // Also where both arms could be in range at once.
        "for i in 0..n { if i == 3 { s = s * v[i]; } }",
    ];
    for body in bodies {
        program(&format!("{AROUND}{body}\n{LEAKS}"));
    }
}

/// Nothing around these keeps the index within, or not any more.
#[test]
fn indices_that_nothing_keeps_within() {
    let bodies = [
        "for i in 0..n { for j in i + 1..n { s = s * v[j + 1]; } }",
        "for i in 0..n { for j in i + 1..n { s = s * v[i + j]; } }",
        "for i in 0..n { for j in i + 1..m { s = s * p[i, j]; } }",
        "for i in 0..n { if i + 1 < n { s = s * 2; } else { s = s * v[i + 1]; } }",
        "for i in 0..n { if i + 1 < n or b { s = s * v[i + 1]; } }",
        "for i in 0..n { if i < n { s = s * 2; } s = s * v[i + 1]; }",
        "for i in 0..n { if !(i + 1 < n and b) { s = s * v[i + 1]; } }",
        "if b { assert(k <= n); } s = sum(v[0..k]);",
        "for i in 0..m { assert(k <= n); } s = sum(v[0..k]);",
        "s = sum(v[0..k]); assert(k <= n);",
        "s = sum(v[i] for i in 0..m);",
        "s = v[1000];",
    ];
    for body in bodies {
        let script = format!("{AROUND}{body}\n{LEAKS}");
        let mut sources = Sources::new();
        let root = sources.add("script", &script);
        let errors = check(&mut sources, root, &NoFiles, &Options::default()).expect_err(body);
        let codes: Vec<&str> = errors.iter().map(|e| e.code).collect();
        assert_eq!(codes, ["D03"], "{body}");
    }
}

const AROUND: &str =
    "party a; input x: [int; n, n] from a; input y: [int; n, m] from a; input c: bool from a; \
param k: int = 3;
let p = share x; let q = share y; let mut v = p[0]; let mut z = p; let four = [1, 2, 3, 4];
let mut s = share 1; let b = reveal share c;
";
const LEAKS: &str = "reveal s as s; reveal v as v; reveal z as z; leaks n, m, b, s, v, z to all;";

/// The help says what to write.
#[test]
fn the_help_of_an_index_that_may_be_out_of_range() {
    let script = |before: &str| {
        format!(
            "party a; input x: [int; n] from a; let p = share x; let mut s = share 1;
for i in 0..n {{ for j in i + 1..n {{ {before}s = s * p[i + j]; }} }}
reveal s as s; leaks n, s to all;"
        )
    };
    let mut sources = Sources::new();
    let root = sources.add("script", &script(""));
    let errors = check(&mut sources, root, &NoFiles, &Options::default()).expect_err("refused");
    let [error] = errors.as_slice() else {
        panic!("{errors:?}");
    };
    // An index has the name it has in the script, though its counter begins at 0.
    assert_eq!(
        error.message,
        "the index goes up to i + j, and the dimension has n elements"
    );
    let help = error.help.clone().expect("a help");
    let written: Vec<&str> = help.split('`').collect();
    assert_eq!(written[1], "assert(i + j < n);");
    program(&script(&format!("{} ", written[1])));
    program(&script("if i + j < n { s = s * p[i + j]; } ").replace("} s = s * p[i + j]; }", "} }"));
    assert_eq!(written[3], "if i + j < n { … }");
}
