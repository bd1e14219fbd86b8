//! Scripts as text, with no more parentheses than the grammar of the language needs.

use std::fmt::Write;

use super::ast::{At, Bin, Dim, Expr, Function, Over, Script, Stmt};

/// The text of a script, without its `leaks`.
pub fn script(script: &Script) -> String {
    let mut out = String::new();
    for (name, fields) in &script.structs {
        let fields: Vec<String> = fields
            .iter()
            .map(|(field, base)| format!("{field}: {}", base.name()))
            .collect();
        let _ = writeln!(out, "struct {name} {{ {} }}", fields.join(", "));
    }
    let parties: Vec<String> = script
        .parties
        .iter()
        .map(|(name, members)| match members {
            Some(n) => format!("{name}[{n}]"),
            None => name.clone(),
        })
        .collect();
    let _ = writeln!(out, "party {};", parties.join(", "));
    for (name, value) in &script.params {
        let _ = writeln!(out, "param {name}: int = {value};");
    }
    for (name, ty, value) in &script.constants {
        let _ = writeln!(out, "const {name}: {ty} = {};", expr(value));
    }
    for input in &script.inputs {
        let element = match input.table {
            Some(at) => script.structs[at].0.clone(),
            None => input.columns[0].1.name(),
        };
        let dims: Vec<String> = input.dims.iter().map(Dim::to_string).collect();
        let ty = if dims.is_empty() {
            element
        } else {
            format!("[{element}; {}]", dims.join(", "))
        };
        let index = if input.members.is_some() { "[i]" } else { "" };
        let (name, party) = (&input.name, &input.party);
        let _ = writeln!(out, "input {name}{index}: {ty} from {party}{index};");
    }
    for function in &script.functions {
        print_function(function, &mut out);
    }
    block(&script.body, 0, &mut out);
    out
}

fn print_function(function: &Function, out: &mut String) {
    let sizes = if function.sizes.is_empty() {
        String::new()
    } else {
        format!("<{}>", function.sizes.join(", "))
    };
    let params: Vec<String> = function
        .params
        .iter()
        .map(|(name, ty, default)| match default {
            Some(default) => format!("{name}: {ty} = {}", expr(default)),
            None => format!("{name}: {ty}"),
        })
        .collect();
    let results: Vec<String> = function.results.iter().map(ToString::to_string).collect();
    let (name, params, results) = (&function.name, params.join(", "), results.join(", "));
    let _ = writeln!(out, "fn {name}{sizes}({params}) -> {results} {{");
    block(&function.body, 1, out);
    let _ = writeln!(out, "    {}\n}}", expr(&function.value));
}

fn block(stmts: &[Stmt], depth: usize, out: &mut String) {
    for stmt in stmts {
        statement(stmt, depth, out);
    }
}

fn statement(stmt: &Stmt, depth: usize, out: &mut String) {
    let pad = "    ".repeat(depth);
    let braces = |head: String, body: &[Stmt], out: &mut String| {
        let _ = writeln!(out, "{pad}{head} {{");
        block(body, depth + 1, out);
        let _ = write!(out, "{pad}}}");
    };
    match stmt {
        Stmt::Let {
            names,
            mutable,
            ty,
            value,
            ..
        } => {
            let mutable = if *mutable { "mut " } else { "" };
            let ty = ty.as_ref().map_or(String::new(), |ty| format!(": {ty}"));
            let _ = writeln!(
                out,
                "{pad}let {mutable}{}{ty} = {};",
                tuple(names),
                expr(value)
            );
        }
        Stmt::Learn { name, value, to } => {
            let _ = writeln!(
                out,
                "{pad}let {name} = reveal {}{};",
                bare(value),
                receiver(to)
            );
        }
        Stmt::Assign {
            names,
            at,
            op,
            value,
        } => {
            let at: Vec<String> = at.iter().map(expr).collect();
            let at = if at.is_empty() {
                String::new()
            } else {
                format!("[{}]", at.join(", "))
            };
            let op = op.map_or("", symbol);
            let _ = writeln!(out, "{pad}{}{at} {op}= {};", tuple(names), expr(value));
        }
        Stmt::For {
            over,
            guard,
            body: inner,
        } => {
            let guard = guard
                .as_ref()
                .map_or(String::new(), |g| format!(" if {}", expr(g)));
            braces(format!("for {}{guard}", indices(over)), inner, out);
            out.push('\n');
        }
        Stmt::While { condition, body } => {
            braces(format!("while {}", expr(condition)), body, out);
            out.push('\n');
        }
        Stmt::WhileSecret {
            name,
            condition,
            max,
            body,
        } => {
            let bound = name
                .as_ref()
                .map_or(String::new(), |n| format!("let {n} = "));
            let max = if max.is_atom() {
                max.to_string()
            } else {
                format!("({max})")
            };
            let head = format!("{bound}while secret {} max {max}", expr(condition));
            braces(head, body, out);
            out.push_str(";\n");
        }
        Stmt::If {
            secret,
            condition,
            then,
            otherwise,
        } => {
            let word = if *secret { "if secret" } else { "if" };
            braces(format!("{word} {}", expr(condition)), then, out);
            if otherwise.is_empty() && !*secret {
                out.push('\n');
            } else {
                out.push_str(" else {\n");
                block(otherwise, depth + 1, out);
                let _ = writeln!(out, "{pad}}}");
            }
        }
        Stmt::Reveal { value, to, name } => {
            let _ = writeln!(
                out,
                "{pad}reveal {}{} as {name};",
                bare(value),
                receiver(to)
            );
        }
    }
}

fn receiver(to: &Option<String>) -> String {
    to.as_ref().map_or(String::new(), |to| format!(" to {to}"))
}

fn tuple(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        many => format!("({})", many.join(", ")),
    }
}

fn indices(over: &[Over]) -> String {
    let parts: Vec<String> = over
        .iter()
        .map(|o| format!("{} in {}..{}", o.name, o.from, o.to))
        .collect();
    parts.join(", ")
}

/// The operator as it is written.
pub fn symbol(op: Bin) -> &'static str {
    match op {
        Bin::Add => "+",
        Bin::Sub => "-",
        Bin::Mul => "*",
        Bin::Div => "/",
        Bin::Rem => "%",
        Bin::MatMul => "@",
        Bin::Shl => "<<",
        Bin::Shr => ">>",
        Bin::ShrLogical => ">>>",
        Bin::BitAnd => "&",
        Bin::BitOr => "|",
        Bin::And => "and",
        Bin::Or => "or",
        Bin::Eq => "==",
        Bin::Ne => "!=",
        Bin::Lt => "<",
        Bin::Le => "<=",
        Bin::Gt => ">",
        Bin::Ge => ">=",
    }
}

/// How tightly it binds; more is tighter. Comparisons chain, so neither side is one.
fn level(op: Bin) -> u8 {
    match op {
        Bin::Or => 1,
        Bin::And => 2,
        Bin::Eq | Bin::Ne | Bin::Lt | Bin::Le | Bin::Gt | Bin::Ge => 3,
        Bin::BitOr => 5,
        Bin::BitAnd => 6,
        Bin::Shl | Bin::Shr | Bin::ShrLogical => 7,
        Bin::Add | Bin::Sub => 8,
        Bin::Mul | Bin::Div | Bin::Rem | Bin::MatMul => 9,
    }
}

const CAST: u8 = 11;
const UNARY: u8 = 12;
const POW: u8 = 13;
const SHARE: u8 = 14;
const POSTFIX: u8 = 15;

/// An expression.
pub fn expr(e: &Expr) -> String {
    at_level(e, 0)
}

/// What stands after `reveal`: a cast would be read as the name of the result, and parentheses that
/// do not hold everything as all there is.
fn bare(e: &Expr) -> String {
    let text = expr(e);
    let cast = matches!(e, Expr::Cast(..)) || text.contains(" as ");
    if cast || text.starts_with('(') {
        format!("({text})")
    } else {
        text
    }
}

fn at_level(e: &Expr, needed: u8) -> String {
    let (text, own) = leveled(e);
    if own < needed {
        format!("({text})")
    } else {
        text
    }
}

fn leveled(e: &Expr) -> (String, u8) {
    let call = |name: &str, args: &[Expr]| {
        let args: Vec<String> = args.iter().map(expr).collect();
        (format!("{name}({})", args.join(", ")), POSTFIX)
    };
    match e {
        Expr::Int(v) if *v < 0 => (format!("{v}"), UNARY),
        Expr::Int(v) => (format!("{v}"), POSTFIX),
        Expr::Fix(text) if text.starts_with('-') => (text.clone(), UNARY),
        Expr::Fix(text) => (text.clone(), POSTFIX),
        Expr::Bool(b) => (b.to_string(), POSTFIX),
        Expr::Text(text) => (format!("{text:?}"), POSTFIX),
        Expr::BitsLiteral(m, v) => (format!("({v} as bits<{m}>)"), POSTFIX),
        Expr::Size(dim) => {
            let text = dim.to_string();
            let own = if dim.is_atom() { POSTFIX } else { 8 };
            (text, own)
        }
        Expr::Var(name) => (name.clone(), POSTFIX),
        Expr::Neg(a) => (format!("-{}", at_level(a, POW)), UNARY),
        Expr::Not(a) => (format!("!{}", at_level(a, POW)), UNARY),
        Expr::Bin(op, a, b) => {
            let own = level(*op);
            let left = if own == 3 { 4 } else { own };
            let text = format!(
                "{} {} {}",
                at_level(a, left),
                symbol(*op),
                at_level(b, own + 1)
            );
            (text, own)
        }
        Expr::Pow(a, n) => {
            let cast = matches!(**a, Expr::Cast(..));
            let base = at_level(a, if cast { CAST } else { SHARE });
            // A cast is part of what is raised, and of what stands before it.
            (format!("{base} ^ {n}"), if cast { CAST } else { POW })
        }
        Expr::Chain(first, rest) => {
            let mut text = at_level(first, 4);
            for (op, next) in rest {
                let _ = write!(text, " {} {}", symbol(*op), at_level(next, 4));
            }
            (text, 3)
        }
        Expr::Cast(a, base) => (format!("{} as {}", at_level(a, UNARY), base.name()), CAST),
        Expr::If { secret, parts, .. } => {
            let word = if *secret { "if secret" } else { "if" };
            let [c, a, b] = &**parts;
            // It reaches as far as it can, so it stands in parentheses everywhere.
            let text = format!(
                "{word} {} {{ {} }} else {{ {} }}",
                expr(c),
                expr(a),
                expr(b)
            );
            (text, 0)
        }
        Expr::Index(base, at) => {
            let at: Vec<String> = at
                .iter()
                .map(|at| match at {
                    At::One(e) => expr(e),
                    At::Range(a, b) => format!("{}..{}", at_level(a, 5), at_level(b, 5)),
                    At::Secret(e) => format!("secret {}", expr(e)),
                })
                .collect();
            (
                format!("{}[{}]", at_level(base, POSTFIX), at.join(", ")),
                POSTFIX,
            )
        }
        Expr::Field(base, at) => (format!("{}.{at}", at_level(base, POSTFIX)), POSTFIX),
        Expr::Member(base, name) => (format!("{}.{name}", at_level(base, POSTFIX)), POSTFIX),
        Expr::Tuple(items) => call("", items),
        Expr::List(items) => {
            let items: Vec<String> = items.iter().map(expr).collect();
            (format!("[{}]", items.join(", ")), POSTFIX)
        }
        Expr::Fill(item, dim) => (format!("[{}; {dim}]", expr(item)), POSTFIX),
        Expr::Comp { sum, body, over } => {
            let inner = format!("{} for {}", expr(body), indices(over));
            let text = if *sum {
                format!("sum({inner})")
            } else {
                format!("[{inner}]")
            };
            (text, POSTFIX)
        }
        Expr::Tree {
            scan,
            xs,
            names,
            body,
        } => {
            let name = if *scan { "scan" } else { "reduce" };
            let (lo, hi) = names;
            let text = format!("{name}({}, ({lo}, {hi}) => {})", expr(xs), expr(body));
            (text, POSTFIX)
        }
        Expr::Call(name, args) => call(name, args),
        Expr::Named(name, args, key, value) => {
            let mut args: Vec<String> = args.iter().map(expr).collect();
            args.push(format!("{key}: {}", expr(value)));
            (format!("{name}({})", args.join(", ")), POSTFIX)
        }
        Expr::SortBy(rows, field) => (format!("sort({}, by: {field})", expr(rows)), POSTFIX),
        Expr::Share(a) => (format!("share {}", at_level(a, POSTFIX)), SHARE),
        Expr::Family {
            function,
            values,
            parties,
        } => {
            let inner = format!("share {values}[i] for {parties}[i]");
            let text = if function.is_empty() {
                format!("[{inner}]")
            } else {
                format!("{function}({inner})")
            };
            (text, POSTFIX)
        }
    }
}
