//! `let e <- laplace(1.0) @ alice;`: a party draws at random, by itself.

use crate::build::Elab;
use crate::ops::{BOOL, FIX};
use crate::value::{Leaf, Src, Val};
use smpc_grammar::ast::{self, Domain, Expr, ExprKind, Span};
use smpc_ir::local::Prim;
use smpc_ir::share::{Label, Op, Type};
use smpc_ir::size::Size;

/// Half of the uniform bits that a number is made of.
const HALF: u8 = 30;

const DOMAINS: &str = "a party draws `uniform()`, `laplace(b)`, `gaussian(s)`, a range `0..6`, `bool`, or lists of them, \
                       `[laplace(b); n]`";

impl Elab<'_> {
    /// What is drawn, known to the one who draws.
    pub fn draw(&mut self, coin: &ast::Coin) -> Val {
        let Some(at) = &coin.at else {
            let message = "nobody is named who draws";
            self.error_help(
                "T01",
                coin.span,
                message,
                "write `let e <- laplace(1.0) @ alice;`",
            );
            return Val::Unknown;
        };
        let Some(set) = self.party_set(at) else {
            return Val::Unknown;
        };
        if set.len() != 1 {
            self.error_help(
                "K13",
                at.span,
                "in a script one party draws, for itself",
                "name one, share what each of several draws, and add the shares up: their sum is random to each of them",
            );
            return Val::Unknown;
        }
        let Domain::Expr(domain) = &coin.domain else {
            self.error_help("T01", coin.span, "scripts do not draw from this", DOMAINS);
            return Val::Unknown;
        };
        let (element, dims) = match &domain.kind {
            ExprKind::Repeat(element, sizes) => {
                let mut dims = vec![];
                for size in sizes {
                    match self.size_expr(size) {
                        Some(size) => dims.push(size),
                        None => return Val::Unknown,
                    }
                }
                (&**element, dims)
            }
            _ => (domain, vec![]),
        };
        // Axes of trees are negative, and run along the first axis of what their body computes.
        if self.open.iter().any(|axis| axis.0 < 0) {
            let message = "drawing inside of `reduce` or `scan` is not executable yet";
            self.error_help("U01", coin.span, message, "draw a list in front of it");
            return Val::Unknown;
        }
        self.drawn(element, &dims, Label::Owned(set), coin.span)
    }

    fn drawn(&mut self, domain: &Expr, dims: &[Size], label: Label, span: Span) -> Val {
        match &domain.kind {
            ExprKind::Path { path, .. }
                if path.segments.last().is_some_and(|s| s.name == "bool") =>
            {
                Val::Leaf(self.bits_of(BOOL, dims, label, span))
            }
            ExprKind::Range {
                start,
                end,
                inclusive,
            } => {
                let (low, high) = (self.expr(start), self.expr(end));
                let one = Val::Leaf(Leaf::literal(i128::from(*inclusive), Type::Int));
                let high = self.binary(ast::BinaryOp::Add, &high, &one, span);
                let Some(raw) = self.integer(dims, label, span) else {
                    return Val::Unknown;
                };
                self.call_prelude("of_range", &[raw, low, high], domain.span)
            }
            ExprKind::Call { callee, args } => {
                let ExprKind::Path { path, .. } = &callee.kind else {
                    return self.no_domain(domain);
                };
                let name = path.segments.last().map_or("", |s| s.name.as_str());
                let (function, halves, arguments) = match name {
                    "uniform" => ("of_uniform", 2, 0),
                    "laplace" => ("of_laplace", 2, 1),
                    "gaussian" => ("of_gaussian", 4, 1),
                    _ => return self.no_domain(domain),
                };
                let Some(given) = self.args(args) else {
                    return Val::Unknown;
                };
                if given.positional.len() != arguments || !given.named.is_empty() {
                    let count = ["nothing", "one number"][arguments];
                    let message = format!("`{name}` takes {count}");
                    self.error_help("T02", domain.span, message, DOMAINS);
                    return Val::Unknown;
                }
                let mut all = vec![];
                for _ in 0..halves {
                    let bits = self.bits_of(Type::Bits(HALF), dims, label, span);
                    match self.cast(&bits, FIX, span) {
                        Some(number) => all.push(Val::Leaf(number)),
                        None => return Val::Unknown,
                    }
                }
                all.extend(given.positional.into_iter().map(|(val, _)| val));
                self.call_prelude(function, &all, domain.span)
            }
            _ => self.no_domain(domain),
        }
    }

    fn no_domain(&mut self, domain: &Expr) -> Val {
        self.error_help("T01", domain.span, "scripts do not draw from this", DOMAINS);
        Val::Unknown
    }

    /// Uniform bits, new ones for each index of the loops and comprehensions around.
    fn bits_of(&mut self, ty: Type, dims: &[Size], label: Label, span: Span) -> Leaf {
        let axes = self.open.clone();
        let mut shape = self.extents(&axes);
        shape.extend(dims.iter().cloned());
        let value = self.emit(Op::Draw, vec![], (ty, shape, label), span);
        Leaf {
            src: Src::Ir(value),
            ty,
            axes,
            dims: dims.to_vec(),
            label,
            origin: None,
        }
    }

    /// Uniform in 0..2^60.
    fn integer(&mut self, dims: &[Size], label: Label, span: Span) -> Option<Val> {
        let bits = self.bits_of(Type::Bits(2 * HALF), dims, label, span);
        let number = self.prim(Prim::Cast, &[&bits], Type::Int, span)?;
        Some(Val::Leaf(number))
    }
}
