//! A share-level program as text, for people and for tests.

use std::fmt::Write;

use smpc_ir::local::Local;
use smpc_ir::share::{Audience, Block, Label, Op, Program, Type, Value};
use smpc_ir::size::{Size, SizeVar};

/// The program, one operation per line.
pub fn print(program: &Program) -> String {
    let mut out = String::new();
    for guard in &program.guards {
        let _ = writeln!(
            out,
            "guard {} == {}",
            size(program, &guard.left),
            size(program, &guard.right)
        );
    }
    block(program, &program.body, 0, &mut out);
    out
}

fn size(program: &Program, size: &Size) -> String {
    size.display(&|v: SizeVar| {
        program
            .sizes
            .get(v.0 as usize)
            .map_or_else(|| format!("?{}", v.0), |s| s.name.clone())
    })
}

fn typed(program: &Program, value: Value) -> String {
    let Some(info) = program.values.get(value.0 as usize) else {
        return format!("v{}", value.0);
    };
    let label = match info.label {
        Label::Public => "public".to_owned(),
        Label::Owned(set) => parties(program, Audience::Parties(set)),
        Label::Secret => "secret".to_owned(),
    };
    let ty = match info.ty {
        Type::Int => "int".to_owned(),
        Type::Bits(m) => format!("bits<{m}>"),
        Type::Fix(f) => format!("fix<{f}>"),
    };
    let dims: Vec<String> = info.shape.iter().map(|d| size(program, d)).collect();
    format!("v{}: {label} {ty}[{}]", value.0, dims.join(", "))
}

fn parties(program: &Program, to: Audience) -> String {
    match to {
        Audience::All => "all".to_owned(),
        Audience::Parties(set) => {
            let names: Vec<&str> = set
                .iter()
                .filter_map(|p| program.parties.get(usize::from(p.0)).map(String::as_str))
                .collect();
            format!("{{{}}}", names.join(", "))
        }
    }
}

fn block(program: &Program, body: &Block, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    for step in &body.steps {
        let results: Vec<String> = step.results.iter().map(|v| typed(program, *v)).collect();
        let args: Vec<String> = step.args.iter().map(|v| format!("v{}", v.0)).collect();
        let args = args.join(" ");
        let equals = if results.is_empty() { "" } else { " = " };
        let mut nested: Vec<&Block> = vec![];
        let op = match &step.op {
            Op::Local(Local::Size(s)) => format!("size {}", size(program, s)),
            Op::Local(Local::Slice { axis, start, end }) => {
                format!(
                    "slice axis {axis} {}..{}",
                    size(program, start),
                    size(program, end)
                )
            }
            Op::Local(local) => {
                let text = format!("{local:?}");
                if text.len() > 80 { "data".into() } else { text }
            }
            Op::Output {
                name, field, to, ..
            } => {
                format!("output {name} {field:?} to {}", parties(program, *to))
            }
            Op::Reveal(to) => format!("reveal to {}", parties(program, *to)),
            Op::For { count, body, .. } => {
                nested.push(body);
                format!("for {}", size(program, count))
            }
            Op::While {
                condition, body, ..
            } => {
                nested.extend([condition, body]);
                "while".into()
            }
            Op::Switch { arms } => {
                nested.extend(arms);
                "switch".into()
            }
            Op::Reduce { body, .. } => {
                nested.push(body);
                "reduce".into()
            }
            Op::Scan { body, .. } => {
                nested.push(body);
                "scan".into()
            }
            other => format!("{other:?}").to_lowercase(),
        };
        let _ = writeln!(out, "{indent}{}{equals}{op} {args}", results.join(", "));
        for inner in nested {
            let params: Vec<String> = inner.params.iter().map(|v| typed(program, *v)).collect();
            let _ = writeln!(out, "{indent} |{}|", params.join(", "));
            block(program, inner, depth + 1, out);
            let results: Vec<String> = inner.results.iter().map(|v| format!("v{}", v.0)).collect();
            let _ = writeln!(out, "{indent}  => {}", results.join(" "));
        }
    }
}
