//! What a `backend` says carries which type.

use super::*;

/// What a backend carries types with, as written.
pub(super) struct Written<'b> {
    /// The scheme of `int` and `fix`, its element type and its numbers.
    pub int: (String, WrittenElem<'b>, &'b [TypeArg]),
    /// The scheme of `bool` and `bits`, if it carries bit vectors.
    pub bits: Option<(String, &'b [TypeArg])>,
}

/// `Z[2^k]`, `F[p]`, or so many bits.
pub(super) enum WrittenElem<'b> {
    Ring(&'b Expr),
    Field(&'b Expr),
    Bits(&'b TypeArg),
}

/// The ring or field that a scheme's first argument names.
fn written_elem(arg: Option<&TypeArg>) -> Option<WrittenElem<'_>> {
    let Some(TypeArg::Type(ty)) = arg else {
        return None;
    };
    let (name, _, indices) = named(ty)?;
    let index = indices.first()?.first()?;
    match (name, &index.kind) {
        ("Z", ExprKind::Binary(_, BinaryOp::Pow, e)) => Some(WrittenElem::Ring(e)),
        ("F", _) => Some(WrittenElem::Field(index)),
        _ => None,
    }
}

pub(super) fn carriers(backend: &Backend, span: Span) -> Result<Written<'_>, Box<Diagnostic>> {
    let refuse = |at: Span, what: &str| {
        let text = format!("{what} is not executable yet");
        Box::new(Diagnostic::new("U01", text, at))
    };
    let (mut int, mut bits) = (None, None);
    for carrier in &backend.carriers {
        for ty in &carrier.types {
            match (named(ty).map(|(name, ..)| name), named(&carrier.scheme)) {
                // `int: bits<k>;`: by the scheme of `bits`.
                (Some("int"), Some(("bits", [width], []))) => {
                    int = Some((String::new(), WrittenElem::Bits(width), &[][..]));
                }
                (Some("int"), Some((scheme, args, _))) => {
                    let at = carrier.scheme.span;
                    let elem = written_elem(args.first())
                        .ok_or_else(|| refuse(at, "`int` outside Z[2^k] and F[p]"))?;
                    int = Some((scheme.to_owned(), elem, &args[1..]));
                }
                (Some("int"), None) => {
                    return Err(refuse(
                        carrier.scheme.span,
                        "`int` carried by an array of shares",
                    ));
                }
                (Some("bool" | "bits"), Some((scheme, args, _))) => {
                    bits = Some((scheme.to_owned(), args.get(1..).unwrap_or(&[])));
                }
                // Bits by one share each: the standard operations on them are not provided.
                _ => {}
            }
        }
    }
    if let (Some((name, WrittenElem::Bits(_), numbers)), Some((scheme, args))) = (&mut int, &bits) {
        (*name, *numbers) = (scheme.clone(), args);
    }
    match int {
        Some(int) => Ok(Written { int, bits }),
        None => Err(Box::new(
            Diagnostic::new("U01", "a backend without `int` is not executable yet", span)
                .help("write `int, fix<f>: S<Z[2^k]>; bool, bits<m>: S<Bits[m]>;`"),
        )),
    }
}

/// A number among a scheme's arguments.
pub(super) fn argument(arg: &TypeArg, names: &BTreeMap<String, i128>) -> Option<i128> {
    match arg {
        TypeArg::Expr(expr) => number(expr, names),
        TypeArg::Type(ty) => match named(ty)? {
            (name, [], []) => names.get(name).copied(),
            _ => None,
        },
    }
}
