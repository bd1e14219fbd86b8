//! What the grammar expected, in a reader's words.

use crate::ast::FileId;
use crate::diagnostic::{self, Diagnostic};
use crate::grammar::Rule;
use crate::parse::span;
use crate::token::{TokenKind, is_keyword, tokenize};
use pest::error::{Error, ErrorVariant, InputLocation};

/// Turns pest's failure into a diagnostic at the token where it stopped.
pub(crate) fn describe(
    file: FileId,
    slice: &str,
    base: usize,
    failure: &Error<Rule>,
) -> Diagnostic {
    let at = match failure.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let token = tokenize(slice).into_iter().find(|token| {
        token.range.end > at
            && !matches!(
                token.kind,
                TokenKind::Space | TokenKind::Comment | TokenKind::Doc
            )
    });
    let mut expected: Vec<String> = match &failure.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.iter().map(phrase).collect(),
        ErrorVariant::CustomError { .. } => Vec::new(),
    };
    expected.sort();
    expected.dedup();
    let (found, range) = match &token {
        Some(token) => {
            let word = slice.get(token.range.clone()).unwrap_or("");
            (format!("`{word}`"), token.range.clone())
        }
        None => {
            let end = slice.trim_end().len();
            (
                "the end of the statement".to_owned(),
                end.saturating_sub(1)..end,
            )
        }
    };
    let behind = slice.get(range.end..).unwrap_or("");
    let range = range.start + base..range.end + base;
    let message = match expected.as_slice() {
        [] => format!("{found} does not fit here"),
        [one] => format!("expected {one}, found {found}"),
        several if several.len() <= 4 => {
            let (last, rest) = several
                .split_last()
                .map_or(("", several), |(l, r)| (l.as_str(), r));
            format!("expected {} or {last}, found {found}", rest.join(", "))
        }
        _ => format!("{found} does not fit here"),
    };
    let error = Diagnostic::new(diagnostic::SYNTAX, message, span(file, range));
    match token.and_then(|token| slice.get(token.range)) {
        Some(word) if word.starts_with(|c: char| c.is_ascii_digit()) && has_exponent(behind) => {
            error.help(match written_out(word, behind) {
                Some(number) => format!("numbers have no exponent: write `{number}`"),
                None => "numbers have no exponent".to_owned(),
            })
        }
        Some("to") if behind_a_loop(slice.get(..at).unwrap_or("")) => error.help(
            "the comma before it belongs to the `for`: end the line, and write another one, `leaks … to …;`",
        ),
        Some(word) if is_keyword(word) => error.help(format!(
            "`{word}` is a word of the language and cannot be a name"
        )),
        _ if expected.is_empty() => error,
        None => error.help("is a `;` missing at the end?"),
        _ if expected.len() > 4 => {
            error.help(format!("one of these would: {}", expected.join(", ")))
        }
        _ => error,
    }
}

/// Whether the text behind a number goes on as an exponent: `e-05`.
fn has_exponent(behind: &str) -> bool {
    let rest = behind.strip_prefix(['e', 'E']).unwrap_or("");
    let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    rest.starts_with(|c: char| c.is_ascii_digit())
}

/// A number and the exponent behind it in decimal digits alone, if these are not many.
fn written_out(number: &str, behind: &str) -> Option<String> {
    let (sign, rest) = match behind.get(1..)? {
        rest if rest.starts_with('-') => (-1, rest.get(1..)?),
        rest => (1, rest.strip_prefix('+').unwrap_or(rest)),
    };
    let end = rest.find(|c: char| !c.is_ascii_digit());
    let exponent: i32 = rest.get(..end.unwrap_or(rest.len()))?.parse().ok()?;
    if exponent > 40 {
        return None;
    }
    let plain = number.replace('_', "");
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let digits = format!("{whole}{fraction}");
    let point = whole.len() as i32 + sign * exponent;
    let before = usize::try_from(1 - point).unwrap_or(0);
    let digits = format!("{}{digits}", "0".repeat(before));
    let point = point.max(1) as usize;
    let digits = format!("{digits:0<point$}");
    let (whole, fraction) = digits.split_at(point);
    let (whole, fraction) = (
        whole.trim_start_matches('0'),
        fraction.trim_end_matches('0'),
    );
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(match fraction {
        "" if number.contains('.') => format!("{whole}.0"),
        "" => whole.to_owned(),
        _ => format!("{whole}.{fraction}"),
    })
}

/// Whether this is a `leaks` with a `for`, whose indices may be several.
fn behind_a_loop(text: &str) -> bool {
    let words = tokenize(text).into_iter();
    let mut words = words.filter_map(|token| text.get(token.range));
    words.find(|word| !word.trim().is_empty()) == Some("leaks") && words.any(|word| word == "for")
}

/// The phrase of a rule. Keywords are quoted; everything else is named.
pub(crate) fn phrase(rule: &Rule) -> String {
    let text = match rule {
        Rule::ident | Rule::name_pat | Rule::arg_name | Rule::result_names => "a name",
        Rule::number | Rule::digits => "a number",
        Rule::string => "text in quotes",
        Rule::path | Rule::place_path | Rule::generic_call => "a name",
        Rule::ty
        | Rule::plain_ty
        | Rule::ty_arg
        | Rule::named_ty
        | Rule::array_ty
        | Rule::tuple_ty
        | Rule::set_ty
        | Rule::label_word => "a type",
        Rule::ty_args | Rule::ty_index | Rule::generics | Rule::generic => "type arguments",
        Rule::place => "a party or a set of parties",
        Rule::size | Rule::size_atom => "a size",
        Rule::expr
        | Rule::expr_at
        | Rule::expr_bare
        | Rule::expr_bound
        | Rule::exprs
        | Rule::postfix
        | Rule::paren
        | Rule::array
        | Rule::set
        | Rule::cardinal
        | Rule::prefix_op
        | Rule::size_neg
        | Rule::shallow
        | Rule::shallow_args
        | Rule::shallow_sum
        | Rule::boolean
        | Rule::if_expr
        | Rule::while_expr
        | Rule::share_expr
        | Rule::reveal_call
        | Rule::reveal_expr
        | Rule::reveal_word
        | Rule::index_arg
        | Rule::arg => "an expression",
        Rule::binop | Rule::binop_at | Rule::size_op | Rule::bound_op | Rule::shallow_op => {
            "an operator"
        }
        Rule::cast | Rule::reveal_as => "`as`",
        Rule::index | Rule::component => "`[`",
        Rule::call | Rule::params | Rule::size_call => "`(`",
        Rule::field | Rule::tuple_field => "`.`",
        Rule::arrow => "`=>`",
        Rule::comp | Rule::iters | Rule::iter | Rule::quantifier => "`for`",
        Rule::guard => "`if`",
        Rule::leak_while => "`while`",
        Rule::repeat | Rule::semi => "`;`",
        Rule::more => "`,`",
        Rule::bound => "`max`",
        Rule::to | Rule::reveals_to | Rule::leak_to => "`to`",
        Rule::block | Rule::body => "a block in braces",
        Rule::assign_op | Rule::assign_tail => "`=`",
        Rule::coin_tail | Rule::domain | Rule::nonzero_array => "`<-`",
        Rule::send_tail => "`->`",
        Rule::results | Rule::result => "`->`",
        Rule::EOI => "the end of the statement",
        Rule::pats | Rule::pat | Rule::tuple_pat => "a pattern",
        Rule::param => "a parameter",
        Rule::struct_field => "a field",
        _ => return keyword(rule),
    };
    text.to_owned()
}

/// `k_from` is `from`; item and clause rules are named after their first word.
fn keyword(rule: &Rule) -> String {
    let name = format!("{rule:?}");
    let word = name
        .strip_prefix("k_")
        .or_else(|| name.strip_suffix("_item"))
        .or_else(|| name.strip_suffix("_part"))
        .or_else(|| name.strip_suffix("_clause"));
    match word {
        Some(word) => format!("`{word}`"),
        None if name.ends_with("_stmt") || matches!(name.as_str(), "file" | "one" | "one_stmt") => {
            "a statement".to_owned()
        }
        None => format!("`{}`", name.replace('_', " ")),
    }
}
