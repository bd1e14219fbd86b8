//! Identities and errors, over scripts in a folder of the test's own.

use crate::problem::span;
use crate::{Binding, Compiled, Failure, Problem, Setting, Spelling, compile, line, run_place};
use smpc_codegen::Runtime;
use smpc_grammar::Sources;
use smpc_ir::Identity;
use std::fs;
use std::path::PathBuf;

const MEAN: &str = "party a, b;\n\ninput x: [fix; n] from a;\ninput y: [fix; n] from b;\n\n\
                    reveal sum(share x) + sum(share y) as total;\n\nleaks total, n to all;\n";

/// A folder below the system's temporary one, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("smpc-driver-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("mean.smpc"), text).unwrap();
        Self(path)
    }

    fn compile(&self, scheme: Option<&str>) -> Result<Compiled, (Failure, Vec<String>)> {
        let mut sources = Sources::new();
        compile(&mut sources, "mean.smpc".as_ref(), &self.binding(scheme)).map_err(|failure| {
            let lines = failure.lines(&sources);
            (failure, lines)
        })
    }

    fn binding(&self, scheme: Option<&str>) -> Binding {
        Binding {
            base: self.0.clone(),
            scheme: scheme.map(str::to_owned),
            spelling: Spelling::Rust,
            ..Binding::default()
        }
    }

    fn identity(&self, binding: &Binding) -> Identity {
        let mut sources = Sources::new();
        let compiled = compile(&mut sources, "mean.smpc".as_ref(), binding);
        compiled.unwrap().identity(&sources).clone()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn one_script_has_one_identity() {
    let unix = Folder::new("unix", MEAN);
    let unix = unix.identity(&unix.binding(None));
    let windows = Folder::new("windows", &MEAN.replace('\n', "\r\n"));
    assert_eq!(unix, windows.identity(&windows.binding(None)));
    assert_eq!(unix.script.0, "mean.smpc");
    assert_eq!(unix.scheme.0, "rep3(k: 64, trunc: one_unit)");
}

#[test]
fn a_comment_changes_the_script_and_not_the_program() {
    let plain = Folder::new("plain", MEAN);
    let plain = plain.identity(&plain.binding(None));
    let text = format!("// of two\n{MEAN}");
    let other = Folder::new("other", &text);
    let other = other.identity(&other.binding(None));
    assert_ne!(plain.script.1, other.script.1);
    assert_eq!(plain.program, other.program);
}

#[test]
fn another_scheme_is_another_program() {
    let folder = Folder::new("schemes", MEAN);
    let rep3 = folder.identity(&folder.binding(Some("rep3")));
    let additive = folder.identity(&folder.binding(Some("additive")));
    assert_eq!(rep3.script, additive.script);
    assert_ne!(rep3.scheme, additive.scheme);
    assert_ne!(rep3.program, additive.program);
}

#[test]
fn errors_name_the_place_as_it_was_given() {
    let folder = Folder::new("error", &MEAN.replace("share x", "shar x"));
    let Err((_, lines)) = folder.compile(None) else {
        panic!("an error")
    };
    assert!(lines[0].starts_with("mean.smpc:6:"), "{lines:?}");
    let folder = Folder::new("unknown", MEAN);
    let Err((failure, lines)) = folder.compile(Some("rep4")) else {
        panic!("an error")
    };
    assert_eq!(failure.problems[0].code, "I16");
    assert!(lines[0].contains("scheme = \"./mine.smpc\""), "{lines:?}");
}

/// A function of the script in another one, and one of the library.
const CALLS: &str = "party a, b;
fn pick(v: [int; n], i: int) -> int { v[i] }
fn twice(v: [int; n]) -> int {
    pick(v, 0) + pick(v, v[0])
}
input x: [int; n] from a;
let first = twice(x);
reveal max(share first, share x[0]) as most;
leaks n, most to all;
";

#[test]
fn a_place_of_a_run_is_in_the_users_file() {
    let folder = Folder::new("calls", CALLS);
    let mut sources = Sources::new();
    let compiled = compile(&mut sources, "mean.smpc".as_ref(), &folder.binding(None)).unwrap();
    let steps = &compiled.bound.program.body.steps;
    let places: Vec<String> = (steps.iter())
        .filter_map(|step| run_place(&sources, step.source))
        .collect();
    // Each of the two calls in line 4 is one of its own; the one of `max` is told as the line that calls it.
    let called = "mean.smpc:2, called at mean.smpc:4, called at mean.smpc:7";
    assert!(places.iter().any(|place| place == called), "{places:?}");
    let in_library = |step: &&smpc_ir::party::Step| {
        let file = sources.get(smpc_grammar::ast::FileId(step.source.file));
        file.is_some_and(|file| file.name == "std::prelude")
    };
    let source = steps.iter().find(in_library).unwrap().source;
    assert_eq!(run_place(&sources, source).as_deref(), Some("mean.smpc:8"));
    let told = |source| line(&sources, &Problem::of_run(&sources, "I30", "no", source));
    let lines = told(source);
    assert!(
        lines.starts_with("mean.smpc:8:8: error[I30]: no\n  std::prelude:"),
        "{lines}"
    );
    assert!(lines.ends_with(": in this line of the library"), "{lines}");
    let deepest = steps.iter().map(|step| step.source);
    let deepest = deepest.max_by_key(|at| sources.way(span(*at), at.call).calls.len());
    let lines = told(deepest.unwrap());
    let labels: Vec<&str> = lines.lines().skip(1).collect();
    assert!(labels[0].ends_with(": in this call of `pick`"), "{lines}");
    assert_eq!(labels[1], "  mean.smpc:7:13: in this call of `twice`");
    assert_eq!(labels.len(), 2);
    // Code of nobody's is nowhere.
    assert_eq!(run_place(&sources, smpc_ir::local::Source::default()), None);
}

#[test]
fn fixed_sizes_are_constants() {
    let folder = Folder::new("fixed", MEAN);
    let compiled = folder.compile(None).unwrap();
    let runtime = || Runtime::Version("1".to_owned());
    let sources = Sources::new();
    let fixed = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let package = |sizes: &[Setting]| compiled.package(&sources, "mean", runtime(), sizes);
    let text = |files: Vec<smpc_codegen::File>, path: &str| {
        let file = files.into_iter().find(|file| file.path == path);
        file.map(|file| file.text).unwrap_or_default()
    };
    let open = text(package(&[]).unwrap(), "src/lib.rs");
    assert!(open.contains("pub n: usize"));
    let files = package(&fixed("n", "400")).unwrap();
    let library = text(files.clone(), "src/lib.rs");
    assert!(library.contains("pub const N: i128 = 400;"));
    assert!(!library.contains("pub n: usize"));
    assert!(text(files.clone(), "src/a.rs").contains("let n = sizes::N;"));
    assert!(text(files, "src/raw.rs").contains("the program was built for n = 400"));
    for (name, value) in [("k", "3"), ("n", "-1"), ("n", "x")] {
        let failure = package(&fixed(name, value)).unwrap_err();
        assert_eq!(failure.problems[0].code, "I13");
    }
    let twice = [fixed("n", "3"), fixed("n", "4")].concat();
    let failure = package(&twice).unwrap_err();
    assert!(failure.problems[0].message.contains("given twice"));
}

#[test]
fn a_module_names_the_runtime_it_is_given() {
    let folder = Folder::new("module", MEAN);
    let compiled = folder.compile(None).unwrap();
    let runtime = Runtime::Within("::smpc::runtime".to_owned());
    let module = compiled.module(&Sources::new(), "mean", runtime, &[]);
    let module = module.unwrap();
    assert!(module.text.contains("pub mod mean {"));
    assert!(!module.text.contains("smpc_runtime"));
    assert!(!module.tokens.to_string().contains("smpc_source"));
}

#[test]
fn settings_become_defaults() {
    let text = MEAN.replace("party a, b;", "party a, b;\nparam rate: fix = 0.5;");
    let folder = Folder::new("defaults", &text);
    let binding = |value: &str| Binding {
        base: folder.0.clone(),
        set: vec![("rate".to_owned(), value.to_owned())],
        ..Binding::default()
    };
    let compile = |value: &str| compile(&mut Sources::new(), "mean.smpc".as_ref(), &binding(value));
    let compiled = compile("0.25").unwrap();
    assert_eq!(compiled.bound.program.params[0].default, Some(1 << 62));
    assert_eq!(
        folder.identity(&binding("0.25")),
        folder.identity(&binding("0.5"))
    );
    assert!(compile("x").is_err());
}

/// The errors of a script whose function has a clause.
fn with_cost(name: &str, clause: &str) -> Vec<String> {
    let text = format!(
        "party a, b;\ninput x: [fix; n] from a;\n\
         fn least<n>(xs: [fix; n], by: fix = 2.0) -> fix\n    {clause}\n{{ min(xs) * by }}\n\
         reveal least(share x) to b as m;\nleaks n to all, m to b;\n"
    );
    match Folder::new(name, &text).compile(None) {
        Ok(_) => vec![],
        Err((_, lines)) => lines,
    }
}

#[test]
fn functions_cost_what_they_promise() {
    let none: Vec<String> = vec![];
    assert_eq!(
        with_cost("formula", "cost rounds <= 13 * log2_ceil(n) + 5"),
        none
    );
    let lines = with_cost("constant", "cost rounds <= 20");
    assert!(
        lines[0].starts_with("mean.smpc:4:5") && lines[0].contains("C01"),
        "{lines:?}"
    );
    assert!(lines[0].contains("under rep3 for n = "), "{lines:?}");
    let lines = with_cost("bytes", "cost bytes <= 50 * n cost rounds <= 1000");
    assert!(lines.iter().any(|l| l.contains("C01")), "{lines:?}");
    assert_eq!(with_cost("more", "cost bytes <= 1000 * n"), none);
}

#[test]
fn functions_of_a_used_file_cost_what_they_promise() {
    let text = "use \"./bounded.smpc\";\nparty a, b;\ninput x: [fix; n] from a;\n\
                reveal bounded::least(share x) to b as m;\nleaks n to all, m to b;\n";
    let folder = Folder::new("used", text);
    let compiled = |most: &str| {
        let module = format!(
            "/// The least.\npub fn least<n>(xs: [fix; n]) -> fix cost rounds <= {most} {{ min(xs) }}\n"
        );
        std::fs::write(folder.0.join("bounded.smpc"), module).unwrap();
        match folder.compile(None) {
            Ok(_) => vec![],
            Err((_, lines)) => lines,
        }
    };
    let none: Vec<String> = vec![];
    assert_eq!(compiled("13 * log2_ceil(n) + 5"), none);
    let lines = compiled("20");
    assert!(
        lines[0].contains("bounded.smpc:2:") && lines[0].contains("C01"),
        "{lines:?}"
    );
}

#[test]
fn a_bound_that_means_nothing_is_an_error() {
    for clause in [
        "cost messages <= 3",
        "cost rounds <= m",
        "cost rounds <= 0.5",
        "cost rounds <= 2^n",
    ] {
        let lines = with_cost("nothing", clause);
        assert!(
            lines.iter().any(|l| l.contains("C02")),
            "{clause}: {lines:?}"
        );
    }
    let text = "party a, b;\ninput x: int from a;\n\
                fn down(x: int) -> int reveals more: bool to all cost rounds <= 100 {\n\
                let mut y = x;\nwhile reveal (y > 0) as more { y -= 1; }\ny\n}\n\
                reveal down(share x) to b as z;\nleaks more to all, z to b;\n";
    let Err((_, lines)) = Folder::new("open", text).compile(None) else {
        panic!("the data decide")
    };
    assert!(lines.iter().any(|l| l.contains("C02")), "{lines:?}");
}

/// A branch on a public size is not the data's, and no formula of the size is found either.
#[test]
fn a_bound_over_a_branch_on_a_size_says_what_is_open() {
    let text = "use std::order;\nparty a;\ninput x: [fix; n] from a;\n\
                fn most<n>(x: [fix; n]) -> fix cost rounds <= 90 { order::largest(x) }\n\
                reveal most(share x) to a as z;\nleaks n to all, z to a;\n";
    let Err((_, lines)) = Folder::new("branch", text).compile(None) else {
        panic!("no formula")
    };
    let all = lines.join(" ");
    assert!(all.contains("C02"), "{all}");
    assert!(
        all.contains("arm 0 of the branch") && !all.contains("decided by the data"),
        "{all}"
    );
}

/// More fraction bits than the ring holds: the way out is the scheme's own parameter.
#[test]
fn too_few_bits_name_the_ring_that_has_more() {
    let text = "using SCHEME;\nparty a;\ninput x: [fix<24>; n] from a;\n\
                reveal exp(share x) to a as z;\nleaks n to all, z to a;\n";
    for scheme in ["rep3", "plain", "rep3(k: 64)"] {
        let folder = Folder::new("narrow", &text.replace("SCHEME", scheme));
        let Err((_, lines)) = folder.compile(None) else {
            panic!("{scheme}: 64 bits")
        };
        let name = scheme.trim_end_matches("(k: 64)");
        let help = format!("`using {name}(k: 128);`");
        let all = lines.join(" ");
        assert!(
            all.contains("P20") && all.contains(&help),
            "{scheme}: {all}"
        );
    }
    let wide = Folder::new("wide", &text.replace("SCHEME", "rep3(k: 128)"));
    assert!(wide.compile(None).is_ok());
}

/// Real parties find each other by name: a script's party is not called as one of the backend's.
#[test]
fn parties_named_as_those_of_the_backend_are_told() {
    let text = "party P[2], T;\nusing SCHEME;\ninput x: int from T;\n\
                reveal share x to P[0] as z;\nleaks z to P[0];\n";
    for (scheme, said) in [
        ("rep3", ["`P[0]`", "`using rep3 on …`"]),
        ("additive", ["`P[0]`", "another name; or `using"]),
        ("additive on P[0], P[1]", ["`T`", "another name"]),
        (
            "additive on P[0], P[1], T",
            ["names 3", "`using additive(n: 3) on …`"],
        ),
        ("rep3 on P[0], P[1]", ["names 2", "`smpc schemes`"]),
    ] {
        let folder = Folder::new("names", &text.replace("SCHEME", scheme));
        let Err((_, lines)) = folder.compile(None) else {
            panic!("{scheme}: names")
        };
        let all = lines.join(" ");
        let told = all.contains("P22") && said.iter().all(|said| all.contains(said));
        assert!(told, "{scheme}: {all}");
    }
    // The dealer is there whoever computes.
    let dealer = text
        .replace("SCHEME", "additive")
        .replace("P[2]", "Q")
        .replace("P[0]", "Q");
    let Err((_, lines)) = Folder::new("dealer", &dealer).compile(None) else {
        panic!("`T`")
    };
    let all = lines.join(" ");
    assert!(all.contains("`T`") && !all.contains("`using"), "{all}");
    let seats = text.replace("SCHEME", "rep3 on P[0], P[1], T");
    assert!(Folder::new("seats", &seats).compile(None).is_ok());
}
