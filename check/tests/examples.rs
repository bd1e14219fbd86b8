//! Every example checks, and its program keeps the rules.

use smpc_check::{NoFiles, Options, check, print, validate};
use smpc_grammar::Sources;

fn example(name: &str) -> String {
    let path = format!("{}/../examples/{name}.smpc", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the example");
    let mut sources = Sources::new();
    let root = sources.add(name, &text);
    let options = Options {
        families: [("employee".to_owned(), 5), ("bidder".to_owned(), 4)].into(),
        sets: vec![],
    };
    match check(&mut sources, root, &NoFiles, &options) {
        Ok(checked) => {
            let text = print(&checked.program);
            if std::env::var("SHOW").is_ok() {
                println!("{text}");
                for leak in &checked.program.leaks {
                    println!(
                        "leak {} ({}) to {} {:?}",
                        leak.name, leak.what, leak.to, leak.when
                    );
                }
            }
            assert_eq!(validate(&checked.program), Ok(()), "{text}");
            text
        }
        Err(errors) => {
            let mut report = String::new();
            for error in errors {
                let line = |span: smpc_grammar::ast::Span| {
                    let file = sources.get(span.file).expect("a file");
                    let line = file.text[..span.start as usize].matches('\n').count() + 1;
                    format!(
                        "{}:{line} `{}`",
                        file.name,
                        &file.text[span.start as usize..span.end as usize]
                    )
                };
                report.push_str(&format!(
                    "{} {} at {}\n",
                    error.code,
                    error.message,
                    line(error.span)
                ));
                for label in &error.labels {
                    report.push_str(&format!("    {} at {}\n", label.text, line(label.span)));
                }
                report.push_str(&format!("    help: {:?}\n", error.help));
            }
            panic!("{report}");
        }
    }
}

macro_rules! examples {
    ($($name:ident),*) => { $(
        #[test]
        fn $name() {
            example(stringify!($name));
        }
    )* };
}

examples!(
    average_salary,
    vickrey,
    breast_cancer,
    effect_size,
    genomic,
    group_by,
    keyword,
    bounded_while
);
