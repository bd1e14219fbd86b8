//! Claims with their names resolved: what the prover reads.

use crate::elaborate::{Elab, plain};
use crate::value::{Frame, Value};
use smpc_grammar::ast::{BinaryOp, ClauseKind, Ensures, Expr, ExprKind, Function, Span, UnaryOp};
use smpc_ir::claim::{Claims, Domain, Ensures as Postcondition, Operator, Requires, Term};

/// Names in a claim: the parameters and results of one protocol, and what its frame binds.
struct Scope<'f> {
    params: Vec<&'f str>,
    results: Vec<&'f str>,
    frame: Frame,
    bound: Option<&'f str>,
}

impl Elab<'_> {
    /// The clauses of a protocol in the frame its parameters were bound in. What has no meaning as
    /// a term is kept as text, so that nobody takes it for proved.
    pub fn claims(&mut self, function: &Function, frame: &Frame) -> Claims {
        let params = function.params.iter().flat_map(|g| &g.names);
        let results = function.results.iter().flat_map(|r| &r.names);
        let mut scope = Scope {
            params: params.map(|n| n.ident.name.as_str()).collect(),
            results: results.map(|n| n.name.as_str()).collect(),
            frame: frame.clone(),
            bound: None,
        };
        let mut claims = Claims::default();
        for clause in &function.clauses {
            let text = self.text(clause.span);
            let read = match &clause.kind {
                ClauseKind::Requires(e) => self.term(e, &mut scope).map(|claim| {
                    let text = text.trim_end().to_owned();
                    claims.requires.push(Requires { claim, text });
                }),
                ClauseKind::RequiresFresh(e) => plain(e)
                    .and_then(|name| scope.params.iter().position(|p| *p == name))
                    .map(|at| claims.fresh.push(at as u32)),
                ClauseKind::Ensures(e) => self
                    .postcondition(e, text, &mut scope)
                    .map(|read| claims.ensures.push(read)),
                // An operation, which is one of operands: a functionality is a name.
                ClauseKind::Realises(e)
                    if !matches!(e.kind, ExprKind::Path { .. } | ExprKind::Repeat(..)) =>
                {
                    let text = text.trim_end().to_owned();
                    match (self.term(e, &mut scope), scope.results.len()) {
                        (Some(of), 1) => claims.ensures.push(Postcondition {
                            claim: Term::Apply(Operator::Eq, vec![Term::Result(0), of]),
                            over: None,
                            except: None,
                            text,
                        }),
                        _ => claims.operation = Some(text),
                    }
                    Some(())
                }
                ClauseKind::Private => {
                    claims.private = true;
                    Some(())
                }
                _ => Some(()),
            };
            if read.is_none() {
                claims
                    .unread
                    .push(format!("{}, {}", text.trim_end(), self.unread(clause.span)));
            }
        }
        claims
    }

    /// Where a clause stands that has no meaning as a term, and what clauses are made of.
    fn unread(&self, span: Span) -> String {
        let line = self
            .line(span)
            .map_or(String::new(), |line| format!("line {line}: "));
        format!(
            "{line}a clause is made of whole operands and results, of numbers, + - * ^ << >>, comparisons, `and`, `or`, `not`, `as`, \
             `bits`, `ring`, `uint`, `msb`, `abs`, `min` and `max`"
        )
    }

    fn postcondition<'f>(
        &mut self,
        ensures: &'f Ensures,
        text: &str,
        scope: &mut Scope<'f>,
    ) -> Option<Postcondition> {
        let over = match &ensures.quantifier {
            None => None,
            Some(quantifier) => {
                let domain = self.domain(&quantifier.domain, scope)?;
                scope.bound = Some(&quantifier.name.name);
                Some(domain)
            }
        };
        let claim = self.term(&ensures.claim, scope);
        scope.bound = None;
        let except = match &ensures.except {
            Some(except) => Some(self.term(except, scope)?),
            None => None,
        };
        Some(Postcondition {
            claim: claim?,
            over,
            except,
            text: text.trim_end().to_owned(),
        })
    }

    fn domain(&mut self, expr: &Expr, scope: &mut Scope<'_>) -> Option<Domain> {
        match &expr.kind {
            ExprKind::Range {
                start,
                end,
                inclusive,
            } => {
                let (start, mut end) = (self.term(start, scope)?, self.term(end, scope)?);
                if !inclusive {
                    end = Term::Apply(Operator::Sub, vec![end, Term::Integer(1)]);
                }
                Some(Domain::Range(start, end))
            }
            ExprKind::Call { callee, .. } if plain(callee) == Some("perm") => {
                Some(Domain::Permutation)
            }
            // Any element: an error that whoever deviates may choose. Where nobody does there is none.
            _ => {
                self.elem_of_expr(expr, &mut scope.frame).ok()?;
                Some(Domain::Range(Term::Integer(0), Term::Integer(0)))
            }
        }
    }

    fn term(&mut self, expr: &Expr, scope: &mut Scope<'_>) -> Option<Term> {
        match &expr.kind {
            ExprKind::Number(text) => text.parse().ok().map(Term::Integer),
            ExprKind::Bool(value) => Some(Term::Integer(i128::from(*value))),
            ExprKind::Path { .. } => self.named_term(plain(expr)?, scope),
            ExprKind::Tuple(items) => match items.as_slice() {
                [one] => self.term(one, scope),
                _ => None,
            },
            ExprKind::Unary(op, inner) => {
                let inner = self.term(inner, scope)?;
                match op {
                    UnaryOp::Neg => Some(Term::Apply(Operator::Neg, vec![inner])),
                    UnaryOp::Not => Some(Term::Apply(Operator::Not, vec![inner])),
                    _ => None,
                }
            }
            ExprKind::Binary(a, op, b) => {
                let (a, b) = (self.term(a, scope)?, self.term(b, scope)?);
                binary(a, *op, b)
            }
            ExprKind::Chain(first, rest) => {
                let mut left = self.term(first, scope)?;
                let mut all: Option<Term> = None;
                for (op, right) in rest {
                    let right = self.term(right, scope)?;
                    let next = binary(left, *op, right.clone())?;
                    all = Some(match all {
                        None => next,
                        Some(all) => Term::Apply(Operator::And, vec![all, next]),
                    });
                    left = right;
                }
                all
            }
            ExprKind::Cast(inner, ty) => {
                let inner = self.term(inner, scope)?;
                let elem = self.elem_of_type(ty, &mut scope.frame).ok()?;
                Some(Term::Cast(Box::new(inner), elem))
            }
            ExprKind::Index { base, indices } => {
                let [one] = indices.as_slice() else {
                    return None;
                };
                // `x[pi]`: rows in another order; any other index is not a claim of rows.
                let order = self.term(&one.value, scope)?;
                let base = self.term(base, scope)?;
                (order == Term::Bound).then(|| Term::Apply(Operator::Rows, vec![base, order]))
            }
            ExprKind::Call { callee, args } => {
                let mut terms = Vec::new();
                for arg in args {
                    if arg.comp.is_some() {
                        return None;
                    }
                    terms.push(self.term(&arg.value, scope)?);
                }
                let operator = match (plain(callee)?, terms.len()) {
                    ("abs", 1) => Operator::Abs,
                    ("min", 2) => Operator::Min,
                    ("max", 2) => Operator::Max,
                    ("bits", 1) => Operator::Bits,
                    ("uint" | "ring", 1) => Operator::Unsigned,
                    ("msb", 1) => {
                        terms.push(Term::Integer(0));
                        Operator::Lt
                    }
                    _ => return None,
                };
                Some(Term::Apply(operator, terms))
            }
            _ => None,
        }
    }

    fn named_term(&mut self, name: &str, scope: &Scope<'_>) -> Option<Term> {
        if scope.bound == Some(name) {
            return Some(Term::Bound);
        }
        // A result that is a parameter too has one value.
        if let Some(at) = scope.params.iter().position(|p| *p == name) {
            return Some(Term::Param(at as u32));
        }
        if let Some(at) = scope.results.iter().position(|p| *p == name) {
            return Some(Term::Result(at as u32));
        }
        match scope.frame.get(name) {
            Some(Value::Int(value)) => Some(Term::Integer(value)),
            _ => scope
                .frame
                .inherited
                .get(name)
                .or_else(|| self.globals.get(name))
                .map(|value| Term::Integer(*value)),
        }
    }
}

fn binary(a: Term, op: BinaryOp, b: Term) -> Option<Term> {
    let apply = |operator, args| Some(Term::Apply(operator, args));
    match op {
        BinaryOp::Add => apply(Operator::Add, vec![a, b]),
        BinaryOp::Sub => apply(Operator::Sub, vec![a, b]),
        BinaryOp::Mul => apply(Operator::Mul, vec![a, b]),
        BinaryOp::Div => apply(Operator::Div, vec![a, b]),
        BinaryOp::Pow => apply(Operator::Pow, vec![a, b]),
        BinaryOp::Shl => apply(Operator::Shl, vec![a, b]),
        BinaryOp::Shr => apply(Operator::Shr, vec![a, b]),
        BinaryOp::Eq => apply(Operator::Eq, vec![a, b]),
        BinaryOp::Ne => apply(Operator::Not, vec![Term::Apply(Operator::Eq, vec![a, b])]),
        BinaryOp::Lt => apply(Operator::Lt, vec![a, b]),
        BinaryOp::Le => apply(Operator::Le, vec![a, b]),
        BinaryOp::Gt => apply(Operator::Lt, vec![b, a]),
        BinaryOp::Ge => apply(Operator::Le, vec![b, a]),
        BinaryOp::And => apply(Operator::And, vec![a, b]),
        BinaryOp::Or => apply(Operator::Or, vec![a, b]),
        _ => None,
    }
}
