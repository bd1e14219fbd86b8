//! What a function of the library says that it realises: it and the calls one by one give the same, on random arguments.
//!
//! A comprehension of such calls is one call of the function, so that nothing else would show that the two differ.

use smpc_grammar::ast::{ClauseKind, ExprKind, Function, ItemKind, Span, TypeKind};
use smpc_grammar::{Sources, parse};
use smpc_tests::case::Case;
use smpc_tests::pipeline::{checked, start};
use smpc_tests::run::{Backend, run};

/// A deterministic stream of words (SplitMix64, Steele, Lea, Flood, OOPSLA 2014).
struct Words(u64);

impl Words {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % bound
    }
}

/// A function that says that it realises calls of another one, in the file's own words.
struct Realises {
    /// The file.
    text: String,
    /// The function for all rows.
    whole: String,
    /// The function for one.
    one: String,
    /// How many rows, as a name or a number.
    rows: String,
    /// Names and types of what the function takes.
    params: Vec<(String, String)>,
    /// What is given to the other one, and whether that is a row of it.
    args: Vec<(String, bool)>,
    /// How many results.
    results: usize,
}

/// Every one in a file.
fn realising(text: &str) -> Vec<Realises> {
    let mut sources = Sources::new();
    let parsed = parse(sources.add("library.smpc", text), text);
    let functions = parsed
        .module
        .items
        .iter()
        .filter_map(|item| match &item.kind {
            ItemKind::Fn(function) => Some(function),
            _ => None,
        });
    functions
        .filter_map(|function| read(text, function))
        .collect()
}

fn read(text: &str, function: &Function) -> Option<Realises> {
    let part = |span: Span| text[span.start as usize..span.end as usize].to_owned();
    let term = function
        .clauses
        .iter()
        .find_map(|clause| match &clause.kind {
            ClauseKind::Realises(term) => Some(term),
            _ => None,
        })?;
    let name = &function.name.name;
    let ExprKind::Comprehension(body, comp) = &term.kind else {
        panic!("{name}: no comprehension");
    };
    let ExprKind::Call { callee, args } = &body.kind else {
        panic!("{name}: no call");
    };
    let over = part(comp.iters[0].over.as_ref().expect("a range").span);
    let rows = over.strip_prefix("0..").expect("rows from 0 on").to_owned();
    let args = args.iter().map(|arg| match &arg.value.kind {
        ExprKind::Index { base, .. } => (part(base.span), true),
        _ => (part(arg.value.span), false),
    });
    let params = function.params.iter().flat_map(|group| {
        let ty = part(group.ty.span);
        group
            .names
            .iter()
            .map(move |one| (one.ident.name.clone(), ty.clone()))
    });
    let results = function.results.iter().map(|result| match &result.ty.kind {
        TypeKind::Tuple(parts) => parts.len(),
        _ => 1,
    });
    Some(Realises {
        text: text.to_owned(),
        whole: name.clone(),
        one: part(callee.span),
        rows,
        params: params.collect(),
        args: args.collect(),
        results: results.sum(),
    })
}

/// Every one of the library.
fn library() -> Vec<Realises> {
    let modules = smpc_stdlib::modules().iter();
    let own = modules.filter(|module| {
        !module.path.starts_with("schemes/") && !module.path.starts_with("generic/")
    });
    own.flat_map(|module| realising(module.text)).collect()
}

impl Realises {
    /// A script that calls both with random arguments of these sizes, numbers being of this type: what it reveals of the
    /// rows at once, and one by one. Numbers are few, so that some are equal.
    fn script(&self, rows: usize, other: usize, number: &str, random: &mut Words) -> String {
        let mut given = String::new();
        let mut inputs = String::from("party alice;\n");
        for (name, ty) in &self.params {
            let array = ty.strip_prefix('[').and_then(|ty| ty.strip_suffix(']'));
            let (elem, dims) = match array.and_then(|ty| ty.split_once(';')) {
                Some((elem, dims)) => (elem.trim(), dims.split(',').map(str::trim).collect()),
                None => (ty.as_str(), Vec::new()),
            };
            let elem = match elem {
                "num" => number,
                "any" => "int",
                elem => elem,
            };
            let word = |random: &mut Words| match elem {
                "int" => (random.below(9) as i64 - 4).to_string(),
                "fix" => format!("{}.{}", random.below(3), 5 * random.below(2)),
                "bool" => random.below(2).to_string(),
                elem => panic!("{}: no arguments of type `{elem}` are made up", self.whole),
            };
            let lengths: Vec<usize> = (dims.iter())
                .map(|dim| match *dim {
                    dim if dim == self.rows => rows,
                    dim => dim.parse().unwrap_or(other),
                })
                .collect();
            let count: usize = lengths.iter().product();
            let words: Vec<String> = (0..count).map(|_| word(random)).collect();
            let lengths: Vec<String> = lengths.iter().map(usize::to_string).collect();
            let shape = lengths.join(",");
            given += &format!("// given alice/in_{name} [{shape}]: {}\n", words.join(" "));
            inputs += &match lengths.is_empty() {
                true => format!("input in_{name}: {elem} from alice;\n"),
                false => format!("input in_{name}: [{elem}; {shape}] from alice;\n"),
            };
            inputs += &format!("let of_{name} = share in_{name};\n");
        }
        let params: Vec<String> = self
            .params
            .iter()
            .map(|(name, _)| format!("of_{name}"))
            .collect();
        let mut calls = format!("let at_once = {}({});\n", self.whole, params.join(", "));
        for row in 0..rows {
            let args = self.args.iter().map(|(name, picked)| match picked {
                true => format!("of_{name}[{row}]"),
                false => format!("of_{name}"),
            });
            let args: Vec<String> = args.collect();
            calls += &format!("let by_itself_{row} = {}({});\n", self.one, args.join(", "));
        }
        for result in 0..self.results {
            let part = if self.results == 1 {
                String::new()
            } else {
                format!(".{result}")
            };
            calls +=
                &format!("reveal at_once{part} as whole_{result};\nleaks whole_{result} to all;\n");
            for row in 0..rows {
                calls += &format!(
                    "reveal by_itself_{row}{part} as row_{result}_{row};\n\
                     leaks row_{result}_{row} to all;\n"
                );
            }
        }
        format!("{}\n{given}{inputs}{calls}", self.text)
    }

    /// The first script on which they differ.
    fn differs(&self) -> Option<String> {
        let mut random = Words(7);
        for (rows, other) in [(1, 3), (2, 1), (3, 4), (4, 7)] {
            for number in ["int", "fix"] {
                let script = self.script(rows, other, number, &mut random);
                let case = Case::read(&script);
                let program = checked(&script, &case).unwrap_or_else(|e| panic!("{script}: {e}"));
                let start = start(&program, &case).unwrap();
                let bound = Backend::new("rep3", &[]).bind().unwrap();
                let run =
                    run(&program, &start, &bound, 5).unwrap_or_else(|e| panic!("{script}: {e}"));
                let same = (0..self.results).all(|result| {
                    let each =
                        (0..rows).flat_map(|row| &run.answers[&format!("row_{result}_{row}")]);
                    each.eq(&run.answers[&format!("whole_{result}")])
                });
                if !same {
                    return Some(script);
                }
            }
        }
        None
    }
}

#[test]
fn what_the_library_says_to_realise_is_what_it_computes() {
    let all = library();
    assert!(!all.is_empty());
    for one in all {
        let different = one.differs();
        assert!(different.is_none(), "{}", different.unwrap_or_default());
    }
}

/// Rows of another list, in another order, or not all of them: each is found.
#[test]
fn a_text_that_computes_something_else_is_found() {
    let text = smpc_stdlib::used("sorting").expect("a module").text;
    for (from, to) in [
        ("[k[done[i * n + j]] for", "[k[done[i * n + n - 1 - j]] for"),
        (
            "[r[done[i * n + j]] for",
            "[r[done[(m - 1 - i) * n + j]] for",
        ),
        ("[r[done[i * n + j]] for", "[rows[i, j] for"),
        (
            "for bit in 0..log2_ceil(m) {",
            "for bit in 1..log2_ceil(m) {",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let changed = realising(&text.replace(from, to));
        assert!(changed.iter().any(|one| one.differs().is_some()), "{to}");
    }
}
