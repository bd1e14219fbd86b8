//! Expressions: operator precedence and everything an operand can be.

use super::{Kids, Pair, Translator};
use crate::ast::{
    Arg, Audience, BinaryOp, Comp, Expr, ExprKind, If, IndexArg, Iter, Reveal, Span, UnaryOp, While,
};
use crate::grammar::Rule;

/// How tightly `..` binds: least of all.
const RANGE: u8 = 1;
const COMPARISON: u8 = 4;
const UNARY: u8 = 11;
const POWER: u8 = 12;

#[derive(Clone, Copy, PartialEq)]
enum Infix {
    Op(BinaryOp),
    Range { inclusive: bool },
}

fn infix(text: &str) -> Option<(Infix, u8)> {
    use BinaryOp::*;
    let (op, power) = match text {
        ".." => return Some((Infix::Range { inclusive: false }, RANGE)),
        "..=" => return Some((Infix::Range { inclusive: true }, RANGE)),
        "or" => (Or, 2),
        "and" => (And, 3),
        "==" => (Eq, COMPARISON),
        "!=" => (Ne, COMPARISON),
        "<" => (Lt, COMPARISON),
        "<=" => (Le, COMPARISON),
        ">" => (Gt, COMPARISON),
        ">=" => (Ge, COMPARISON),
        "in" => (In, COMPARISON),
        "|" => (BitOr, 5),
        "&" => (BitAnd, 6),
        "<<" => (Shl, 7),
        ">>" => (Shr, 7),
        ">>>" => (LogicalShr, 7),
        "+" => (Add, 8),
        "-" => (Sub, 8),
        "*" => (Mul, 9),
        "/" => (Div, 9),
        "%" => (Rem, 9),
        "@" => (MatMul, 9),
        "^" => (Pow, POWER),
        _ => return None,
    };
    Some((Infix::Op(op), power))
}

fn unary(text: &str) -> Option<UnaryOp> {
    match text {
        "-" => Some(UnaryOp::Neg),
        "!" => Some(UnaryOp::Not),
        "~" => Some(UnaryOp::Complement),
        _ => None,
    }
}

impl Translator<'_> {
    pub(crate) fn exprs(&self, pair: Pair<'_>) -> Option<Vec<Expr>> {
        pair.into_inner().map(|kid| self.expr(kid)).collect()
    }

    /// Any of the flat expression rules, or an operand of one.
    pub(crate) fn expr(&self, pair: Pair<'_>) -> Option<Expr> {
        match pair.as_rule() {
            Rule::expr
            | Rule::expr_at
            | Rule::expr_bare
            | Rule::expr_bound
            | Rule::size
            | Rule::shallow_sum => {
                let mut kids = Kids::of(pair);
                self.climb(&mut kids, 0)
            }
            _ => self.operand(pair),
        }
    }

    /// Precedence climbing; casts bind between unary and multiplication.
    fn climb(&self, kids: &mut Kids<'_>, least: u8) -> Option<Expr> {
        let mut left = self.prefixed(kids)?;
        // Only comparisons written side by side chain; `(a < b) < c` compares a truth value.
        let mut chainable = false;
        loop {
            let text = match kids.pairs.peek() {
                Some(pair) if pair.as_rule() == Rule::cast => {
                    if least > UNARY {
                        return Some(left);
                    }
                    let cast = kids.next()?;
                    let end = self.span(&cast);
                    let ty = self.ty(cast.into_inner().last()?)?;
                    let span = self.join(left.span, end);
                    left = Expr {
                        kind: ExprKind::Cast(Box::new(left), Box::new(ty)),
                        span,
                    };
                    chainable = false;
                    continue;
                }
                Some(pair) => pair.as_str(),
                None => return Some(left),
            };
            let (op, power) = infix(text)?;
            if power < least {
                return Some(left);
            }
            kids.next()?;
            // The exponent may carry its own sign, so power associates to the right.
            let right = self.climb(kids, if power == POWER { POWER } else { power + 1 })?;
            let span = self.join(left.span, right.span);
            let kind = match op {
                Infix::Range { inclusive } => ExprKind::Range {
                    start: Box::new(left),
                    end: Box::new(right),
                    inclusive,
                },
                Infix::Op(op) if power == COMPARISON && chainable => match left.kind {
                    ExprKind::Binary(first, op0, second) => {
                        ExprKind::Chain(first, vec![(op0, *second), (op, right)])
                    }
                    ExprKind::Chain(first, mut rest) => {
                        rest.push((op, right));
                        ExprKind::Chain(first, rest)
                    }
                    kind => ExprKind::Binary(
                        Box::new(Expr {
                            kind,
                            span: left.span,
                        }),
                        op,
                        Box::new(right),
                    ),
                },
                Infix::Op(op) => ExprKind::Binary(Box::new(left), op, Box::new(right)),
            };
            left = Expr { kind, span };
            chainable = power == COMPARISON;
        }
    }

    /// Prefix operators and their operand: `-x^2` is `-(x^2)`.
    fn prefixed(&self, kids: &mut Kids<'_>) -> Option<Expr> {
        let mut prefixes: Vec<(UnaryOp, Span)> = Vec::new();
        while matches!(kids.peek(), Some(Rule::prefix_op | Rule::size_neg)) {
            let pair = kids.next()?;
            prefixes.push((unary(pair.as_str())?, self.span(&pair)));
        }
        if prefixes.is_empty() {
            return self.operand(kids.next()?);
        }
        let mut value = self.operand(kids.next()?)?;
        if kids.pairs.peek().is_some_and(|next| next.as_str() == "^") {
            kids.next()?;
            let right = self.climb(kids, POWER)?;
            let span = self.join(value.span, right.span);
            value = Expr {
                kind: ExprKind::Binary(Box::new(value), BinaryOp::Pow, Box::new(right)),
                span,
            };
        }
        for (op, start) in prefixes.into_iter().rev() {
            let span = self.join(start, value.span);
            value = Expr {
                kind: ExprKind::Unary(op, Box::new(value)),
                span,
            };
        }
        Some(value)
    }

    fn operand(&self, pair: Pair<'_>) -> Option<Expr> {
        let span = self.span(&pair);
        let text = pair.as_str();
        let kind = match pair.as_rule() {
            Rule::number => ExprKind::Number(text.replace('_', "")),
            Rule::string => ExprKind::Text(text.trim_matches('"').to_owned()),
            Rule::boolean => ExprKind::Bool(text == "true"),
            Rule::ident => ExprKind::Path {
                path: crate::ast::Path {
                    segments: vec![self.ident(pair)],
                    span,
                },
                generics: Vec::new(),
            },
            Rule::path => ExprKind::Path {
                path: self.path(pair),
                generics: Vec::new(),
            },
            Rule::generic_call => {
                let mut kids = Kids::of(pair);
                let path = self.path(kids.take(Rule::path)?);
                let mut generics = Vec::new();
                for shallow in kids.take(Rule::shallow_args)?.into_inner() {
                    generics.push(self.shallow(shallow)?);
                }
                ExprKind::Path { path, generics }
            }
            Rule::postfix | Rule::place_path | Rule::size_atom => return self.postfix(pair),
            Rule::set => ExprKind::Set(match pair.into_inner().next() {
                Some(list) => self.exprs(list)?,
                None => Vec::new(),
            }),
            Rule::place => return self.operand(pair.into_inner().next()?),
            Rule::cardinal => ExprKind::Cardinality(Box::new(self.suffixed(&mut Kids::of(pair))?)),
            Rule::paren => return self.paren(pair),
            Rule::array => self.array(pair)?,
            Rule::if_expr => ExprKind::If(Box::new(self.if_expr(pair)?)),
            Rule::while_expr => ExprKind::While(Box::new(self.while_expr(pair)?)),
            Rule::share_expr => return self.share(pair),
            Rule::reveal_expr => ExprKind::Reveal(Box::new(self.reveal(pair)?)),
            Rule::reveal_call => return self.reveal_call(pair),
            Rule::expr | Rule::size => {
                let mut inner = self.expr(pair)?;
                inner.span = span;
                return Some(inner);
            }
            _ => return None,
        };
        Some(Expr { kind, span })
    }

    fn shallow(&self, pair: Pair<'_>) -> Option<Expr> {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        let base = self.expr(parts.next()?)?;
        let mut indices = Vec::new();
        for part in parts {
            indices.push(IndexArg {
                secret: false,
                value: self.expr(part)?,
            });
        }
        Some(if indices.is_empty() {
            base
        } else {
            Expr {
                kind: ExprKind::Index {
                    base: Box::new(base),
                    indices,
                },
                span,
            }
        })
    }

    fn postfix(&self, pair: Pair<'_>) -> Option<Expr> {
        self.suffixed(&mut Kids::of(pair))
    }

    fn suffixed(&self, kids: &mut Kids<'_>) -> Option<Expr> {
        let base = self.operand(kids.next()?)?;
        self.suffixes(base, kids)
    }

    fn suffixes(&self, mut base: Expr, kids: &mut Kids<'_>) -> Option<Expr> {
        while matches!(
            kids.peek(),
            Some(
                Rule::call
                    | Rule::size_call
                    | Rule::index
                    | Rule::ty_index
                    | Rule::component
                    | Rule::field
                    | Rule::tuple_field
            )
        ) {
            let pair = kids.next()?;
            let span = self.join(base.span, self.span(&pair));
            let boxed = Box::new(base);
            let kind = match pair.as_rule() {
                Rule::call => ExprKind::Call {
                    callee: boxed,
                    args: self.args(pair)?,
                },
                Rule::size_call => ExprKind::Call {
                    callee: boxed,
                    args: self
                        .exprs(pair)?
                        .into_iter()
                        .map(|value| Arg {
                            name: None,
                            value,
                            comp: None,
                        })
                        .collect(),
                },
                Rule::ty_index => ExprKind::Index {
                    base: boxed,
                    indices: self
                        .exprs(pair)?
                        .into_iter()
                        .map(|value| IndexArg {
                            secret: false,
                            value,
                        })
                        .collect(),
                },
                Rule::index => ExprKind::Index {
                    base: boxed,
                    indices: self.index_args(pair)?,
                },
                Rule::component => ExprKind::Component {
                    base: boxed,
                    indices: self.index_args(pair)?,
                },
                Rule::field => ExprKind::Field(boxed, self.ident(pair.into_inner().next()?)),
                _ => {
                    let digits = pair.into_inner().next()?.as_str().to_owned();
                    ExprKind::TupleField(boxed, digits)
                }
            };
            base = Expr { kind, span };
        }
        Some(base)
    }

    pub(crate) fn args(&self, pair: Pair<'_>) -> Option<Vec<Arg>> {
        pair.into_inner()
            .map(|arg| {
                let mut kids = Kids::of(arg);
                let name = match kids.take(Rule::arg_name) {
                    Some(name) => Some(self.ident(name.into_inner().next()?)),
                    None => None,
                };
                let value = self.expr(kids.next()?)?;
                let comp = self.comp_opt(&mut kids)?;
                Some(Arg { name, value, comp })
            })
            .collect()
    }

    pub(crate) fn index_args(&self, pair: Pair<'_>) -> Option<Vec<IndexArg>> {
        pair.into_inner()
            .map(|arg| {
                let mut kids = Kids::of(arg);
                let secret = kids.has(Rule::k_secret);
                let value = self.expr(kids.next()?)?;
                Some(IndexArg { secret, value })
            })
            .collect()
    }

    fn paren(&self, pair: Pair<'_>) -> Option<Expr> {
        let span = self.span(&pair);
        let mut kids = Kids::of(pair);
        let mut items = match kids.take(Rule::exprs) {
            Some(list) => self.exprs(list)?,
            None => Vec::new(),
        };
        let kind = if kids.has(Rule::arrow) {
            ExprKind::Lambda(items, Box::new(self.expr(kids.next()?)?))
        } else if items.len() == 1 {
            items.pop()?.kind
        } else {
            ExprKind::Tuple(items)
        };
        Some(Expr { kind, span })
    }

    fn array(&self, pair: Pair<'_>) -> Option<ExprKind> {
        let mut kids = Kids::of(pair);
        let Some(first) = kids.next() else {
            return Some(ExprKind::Array(Vec::new()));
        };
        let first = self.expr(first)?;
        let Some(rest) = kids.next() else {
            return Some(ExprKind::Array(vec![first]));
        };
        Some(match rest.as_rule() {
            Rule::repeat => {
                ExprKind::Repeat(Box::new(first), self.exprs(rest.into_inner().next()?)?)
            }
            Rule::comp => ExprKind::Comprehension(Box::new(first), self.comp(rest)?),
            _ => {
                let mut items = vec![first];
                items.extend(self.exprs(rest)?);
                ExprKind::Array(items)
            }
        })
    }

    fn if_expr(&self, pair: Pair<'_>) -> Option<If> {
        let mut kids = Kids::of(pair);
        kids.take(Rule::k_if)?;
        let secret = kids.has(Rule::k_secret);
        let condition = self.expr(kids.next()?)?;
        let then = self.block(kids.next()?)?;
        let otherwise = if kids.has(Rule::k_else) {
            Some(self.else_arm(kids.next()?)?)
        } else {
            None
        };
        Some(If {
            secret,
            condition,
            then,
            otherwise,
        })
    }

    fn else_arm(&self, pair: Pair<'_>) -> Option<crate::ast::Block> {
        if pair.as_rule() == Rule::block {
            return self.block(pair);
        }
        let expr = self.operand(pair)?;
        let span = expr.span;
        Some(crate::ast::Block {
            stmts: vec![crate::ast::Stmt {
                kind: crate::ast::StmtKind::Expr { expr, value: true },
                span,
            }],
            span,
        })
    }

    fn while_expr(&self, pair: Pair<'_>) -> Option<While> {
        let mut kids = Kids::of(pair);
        kids.take(Rule::k_while)?;
        let secret = kids.has(Rule::k_secret);
        let condition = self.expr(kids.next()?)?;
        let bound = match kids.take(Rule::bound) {
            Some(bound) => Some(self.expr(bound.into_inner().last()?)?),
            None => None,
        };
        let body = self.block(kids.next()?)?;
        Some(While {
            secret,
            condition,
            bound,
            body,
        })
    }

    /// `share(x)[0]` deals x and takes a component; `share x[0]` deals an element.
    fn share(&self, pair: Pair<'_>) -> Option<Expr> {
        let span = self.span(&pair);
        let text = pair.as_str();
        let mut kids = Kids::of(pair);
        kids.take(Rule::k_share)?;
        let inner = kids.next()?;
        if text.starts_with("share(") && inner.as_rule() == Rule::postfix {
            let mut parts = Kids::of(inner);
            let dealt = self.operand(parts.next()?)?;
            let shared = Expr {
                span: self.join(span_start(span), dealt.span),
                kind: ExprKind::Share(Box::new(dealt)),
            };
            return self.suffixes(shared, &mut parts);
        }
        let dealt = self.operand(inner)?;
        Some(Expr {
            kind: ExprKind::Share(Box::new(dealt)),
            span,
        })
    }

    fn reveal(&self, pair: Pair<'_>) -> Option<Reveal> {
        let mut kids = Kids::of(pair);
        kids.take(Rule::k_reveal)?;
        let value = self.expr(kids.next()?)?;
        self.reveal_tail(value, &mut kids)
    }

    fn reveal_tail(&self, value: Expr, kids: &mut Kids<'_>) -> Option<Reveal> {
        let to = match kids.take(Rule::to) {
            Some(pair) => {
                let mut list = Kids::of(pair);
                list.take(Rule::k_to)?;
                let parties: Vec<Expr> = list
                    .all(Rule::postfix)
                    .into_iter()
                    .map(|party| self.expr(party))
                    .collect::<Option<_>>()?;
                Some(audience(parties))
            }
            None => None,
        };
        let name = match kids.take(Rule::reveal_as) {
            Some(pair) => Some(self.ident(pair.into_inner().last()?)),
            None => None,
        };
        let spends = match kids.take(Rule::spends) {
            Some(pair) => self.exprs(pair.into_inner().last()?)?,
            None => Vec::new(),
        };
        Some(Reveal {
            value,
            to,
            name,
            spends,
        })
    }

    /// `reveal(…)` written like a call is one operand; an audience after it belongs to it.
    fn reveal_call(&self, pair: Pair<'_>) -> Option<Expr> {
        let span = self.span(&pair);
        let mut kids = Kids::of(pair);
        let word = self.span(&kids.take(Rule::reveal_word)?);
        let call = kids.take(Rule::call)?;
        let opened = self.join(word, self.span(&call));
        let mut args = self.args(call)?;
        let value = if args.len() == 1 && args.iter().all(|a| a.name.is_none() && a.comp.is_none())
        {
            args.pop()?.value
        } else {
            Expr {
                kind: ExprKind::Tuple(args.into_iter().map(|arg| arg.value).collect()),
                span: opened,
            }
        };
        let suffixed = kids.peek().is_some_and(|rule| rule != Rule::to);
        if suffixed {
            let revealed = Reveal {
                value,
                to: None,
                name: None,
                spends: Vec::new(),
            };
            let base = Expr {
                kind: ExprKind::Reveal(Box::new(revealed)),
                span: opened,
            };
            return self.suffixes(base, &mut kids);
        }
        let revealed = self.reveal_tail(value, &mut kids)?;
        Some(Expr {
            kind: ExprKind::Reveal(Box::new(revealed)),
            span,
        })
    }

    pub(crate) fn comp_opt(&self, kids: &mut Kids<'_>) -> Option<Option<Comp>> {
        Some(match kids.take(Rule::comp) {
            Some(pair) => Some(self.comp(pair)?),
            None => None,
        })
    }

    pub(crate) fn comp(&self, pair: Pair<'_>) -> Option<Comp> {
        let span = self.span(&pair);
        let mut kids = Kids::of(pair);
        kids.take(Rule::k_for)?;
        self.iters(&mut kids, span)
    }

    pub(crate) fn iters(&self, kids: &mut Kids<'_>, span: Span) -> Option<Comp> {
        let mut iters = Vec::new();
        for iter in kids.take(Rule::iters)?.into_inner() {
            let mut parts = Kids::of(iter);
            let binder = self.expr(parts.next()?)?;
            let over = if parts.has(Rule::k_in) {
                Some(self.expr(parts.next()?)?)
            } else {
                None
            };
            iters.push(Iter { binder, over });
        }
        let guard = match kids.take(Rule::guard) {
            Some(pair) => Some(Box::new(self.expr(pair.into_inner().last()?)?)),
            None => None,
        };
        Some(Comp { iters, guard, span })
    }
}

fn span_start(span: Span) -> Span {
    Span {
        end: span.start,
        ..span
    }
}

/// `all` alone is everybody.
fn audience(parties: Vec<Expr>) -> Audience {
    match parties.as_slice() {
        [
            Expr {
                kind: ExprKind::Path { path, generics },
                ..
            },
        ] if generics.is_empty()
            && path.segments.len() == 1
            && path.segments.iter().all(|part| part.name == "all") =>
        {
            Audience::All
        }
        _ => Audience::Parties(parties),
    }
}
