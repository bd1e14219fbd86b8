//! What the library's functions of lists cost under `rep3`: the table in `docs/performance.md`, and the bounds that were
//! set for some of them. `UPDATE_COSTS=1 cargo test -p smpc-tests --test function_costs` writes the table.

use std::fmt::Write as _;

use smpc_tests::case::Case;
use smpc_tests::pipeline::{Start, checked};
use smpc_tests::run::{Backend, Traffic, run};

/// A function of one or two lists of n.
struct Row {
    /// As a script writes it, of `x` and `y`.
    call: &'static str,
    /// The modules it needs.
    modules: &'static str,
    /// The type of the elements.
    of: &'static str,
    n: usize,
    /// Rounds and bytes that it may take, if that was set.
    bounds: Option<(i128, i128)>,
}

fn rows() -> Vec<Row> {
    let row = |call, modules, of, n, bounds| Row {
        call,
        modules,
        of,
        n,
        bounds,
    };
    let (nn, order) = ("use std::nn;", "use std::order;");
    vec![
        row("x * y", "", "fix", 100, Some((2, i128::MAX))),
        row("x < y", "", "fix", 100, Some((8, 11_500))),
        row("x < y", "", "int", 100, Some((8, 11_500))),
        row("x - y < 0", "", "int", 100, Some((8, 11_500))),
        row("x == y", "", "int", 100, Some((8, 6_000))),
        row("max(x)", "", "fix", 100, None),
        row("order::largest(x)", order, "fix", 10, None),
        row("order::largest(x)", order, "fix", 100, None),
        row("nn::softmax(x)", nn, "fix", 10, None),
        row("nn::softmax(x)", nn, "fix", 100, Some((60, i128::MAX))),
        row("nn::softmax(x)", nn, "fix", 200, None),
        row("nn::log_softmax(x)", nn, "fix", 100, None),
        row(
            "sorting::sort(x)",
            "use std::sorting;",
            "int",
            1000,
            Some((200, 10_000_000)),
        ),
        row(
            "[sorting::sort(reshape(x, 10, 100)[i]) for i in 0..10]",
            "use std::sorting;",
            "int",
            1000,
            None,
        ),
        row("sort(x)", "", "int", 1000, None),
        row("order::median(x)", order, "fix", 100, None),
        row(
            "statistics::correlation(x, y)",
            "use std::statistics;",
            "fix",
            100,
            None,
        ),
        row(
            "statistics::t_test(x, y).0",
            "use std::statistics;",
            "fix",
            100,
            None,
        ),
        row(
            "tables::histogram(x, 10)",
            "use std::tables;",
            "int",
            100,
            None,
        ),
        row(
            "tables::join(x, y, y).1",
            "use std::tables;",
            "int",
            100,
            None,
        ),
    ]
}

impl Row {
    /// What a script costs that reveals an expression.
    fn traffic(&self, revealed: &str) -> Traffic {
        let (modules, of) = (self.modules, self.of);
        let text = format!(
            "{modules} party alice; input a: [{of}; n] from alice; input b: [{of}; n] from alice;\n\
             let (x, y) = (share a, share b);\nreveal {revealed} as z; leaks n, z to all;"
        );
        let program = checked(&text, &Case::default()).unwrap_or_else(|e| panic!("{text}: {e}"));
        // Integers all over the ring.
        let value = |i: i128, factor: i128| match self.of {
            "int" => i128::from((i * factor * 0x9e37_79b9_7f4a_7c15) as i64),
            _ => (i * factor % 1009 - 500) << 64,
        };
        let values = |factor: i128| -> Vec<i128> {
            let places = 0..i128::try_from(self.n).expect("a length");
            places.map(|i| value(i, factor)).collect()
        };
        let input = |factor| (vec![self.n], values(factor));
        let start = Start {
            sizes: vec![i128::try_from(self.n).expect("a length")],
            params: vec![],
            inputs: vec![input(37), input(53)],
        };
        let bound = Backend::new("rep3", &[]).bind().expect("rep3 binds");
        let run = run(&program, &start, &bound, 3).unwrap_or_else(|e| panic!("{text}: {e}"));
        // Sorting in the open goes on as what it opens says.
        if !self.modules.contains("sorting") {
            assert_eq!(run.counted, run.predicted, "{text}");
        }
        run.counted
    }

    /// What the function adds to a script: rounds, and bytes of all parties.
    fn cost(&self) -> (i128, i128) {
        let (with, without) = (self.traffic(self.call), self.traffic("x + y"));
        let bytes = |t: &Traffic| t.bytes.iter().sum::<i128>();
        (with.rounds - without.rounds, bytes(&with) - bytes(&without))
    }
}

/// A text in one line, without the signs of doc comments.
fn one_line(text: &str) -> String {
    let words = text.split_whitespace().filter(|w| *w != "///");
    words.collect::<Vec<_>>().join(" ")
}

/// Sentences of the documentation with numbers that depend on lengths, with the numbers that are counted.
#[test]
fn sentences_have_the_numbers_that_are_counted() {
    let cost = |call, modules, of, n| {
        let bounds = None;
        Row {
            call,
            modules,
            of,
            n,
            bounds,
        }
        .cost()
    };
    let page = |path: &str| {
        let text = std::fs::read_to_string(smpc_tests::root().join(path));
        one_line(&text.expect("a page"))
    };
    let (order, nn) = ("use std::order;", "use std::nn;");
    let many = [10, 100, 289].map(|n| {
        (
            cost("order::largest(x)", order, "fix", n),
            cost("max(x)", "", "fix", n),
        )
    });
    let [a, b, c] = many.map(|(largest, _)| largest.0);
    let [d, e, f] = many.map(|(_, max)| max.0);
    let said = format!(
        "Of 10, 100 and 289 values in {a}, {b} and {c} rounds under rep3, where `max` takes {d}, {e} and {f}; at most five times its bytes."
    );
    assert!(page("stdlib/math/order.smpc").contains(&said), "{said}");
    assert!(
        many.iter().all(|(largest, max)| largest.1 <= 5 * max.1),
        "{many:?}"
    );
    let said = format!(
        "of 200 in {} rounds.",
        cost("nn::softmax(x)", nn, "fix", 200).0
    );
    assert!(page("stdlib/ml/nn.smpc").contains(&said), "{said}");
    let each = |call, of| cost(call, "", of, 1000).1 / 1000;
    let said = format!(
        "6 rounds and {} bytes of all parties, where a sign alone, `x < 0`, takes 5 and {}.",
        each("x < y", "int"),
        each("x - y < 0", "int")
    );
    assert!(page("docs/language.md").contains(&said), "{said}");
}

/// The least rounds, and bytes for each element, that systems with the same purpose were measured at (three-party replicated
/// sharing of 64 bits).
fn elsewhere(call: &str) -> &'static str {
    match call {
        "x * y" => "3, 56",
        "x < y" => "8, 115",
        "x == y" => "20, 141",
        "sorting::sort(x)" => "392, 19.7 MB in all",
        _ => "",
    }
}

const BEGIN: &str = "<!-- costs of functions: written by tests/tests/function_costs.rs -->\n";
const END: &str = "<!-- end -->";

#[test]
fn the_table_is_fresh_and_within_bounds() {
    let mut table = String::from(
        "| function | of | n | rounds | bytes | set | elsewhere |\n|---|---|---:|---:|---:|---|---|\n",
    );
    let mut wrong = vec![];
    for row in rows() {
        let (rounds, bytes) = row.cost();
        let set = match row.bounds {
            None => String::new(),
            Some((most, i128::MAX)) => format!("{most} rounds"),
            Some((most, size)) => format!("{most} rounds, {size} bytes"),
        };
        if row.bounds.is_some_and(|(r, b)| rounds > r || bytes > b) {
            wrong.push(format!("{}: {rounds} rounds, {bytes} bytes", row.call));
        }
        let (call, of, n) = (row.call, row.of, row.n);
        let peers = elsewhere(call);
        let _ = writeln!(
            table,
            "| `{call}` | {of} | {n} | {rounds} | {bytes} | {set} | {peers} |"
        );
    }
    let path = smpc_tests::root().join("docs/performance.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let start = page.find(BEGIN).expect("the table's begin") + BEGIN.len();
    let end = start + page[start..].find(END).expect("its end");
    if std::env::var_os("UPDATE_COSTS").is_some() {
        let fresh = format!("{}{table}{}", &page[..start], &page[end..]);
        std::fs::write(&path, fresh).expect("the page is written");
    } else {
        assert_eq!(&page[start..end], table, "docs/performance.md is stale");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
