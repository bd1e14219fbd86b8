//! Numbers that every party computes from public ones while a protocol is elaborated: the scheme
//! file's functions, products, conditions on sizes.

use crate::elaborate::{Elab, plain};
use crate::source;
use crate::value::{Fail, Frame, Outcome, Value};
use smpc_grammar::Diagnostic;
use smpc_grammar::ast::{
    Arg, BinaryOp, ClauseKind, Expr, ExprKind, Function, ItemKind, Span, StmtKind, TypeKind,
    UnaryOp,
};
use smpc_ir::decisions::Outcome as Decided;
use smpc_ir::field::Prime;
use smpc_ir::party::{Elem, PartySet};

impl<'a> Elab<'a> {
    /// A function of the scheme's file.
    pub fn public_function(&self, name: &str) -> Option<&'a Function> {
        self.file
            .module
            .items
            .iter()
            .find_map(|item| match &item.kind {
                ItemKind::Fn(f) if f.name.name == name => Some(f),
                _ => None,
            })
    }

    /// A function of numbers: a number, a condition, or an element of a field, in which `/` divides.
    pub fn evaluate(
        &mut self,
        function: &'a Function,
        args: Vec<Value>,
        span: Span,
        caller: &Frame,
    ) -> Outcome<Value> {
        let name = &function.name.name;
        let params = function.params.iter().flat_map(|group| &group.names);
        let params: Vec<&str> = params.map(|name| name.ident.name.as_str()).collect();
        if params.len() != args.len() {
            let text = format!(
                "`{name}` takes {} numbers, not {}",
                params.len(),
                args.len()
            );
            return Err(Diagnostic::new("P03", text, span).into());
        }
        if self.stack.len() > 24 || self.stack.iter().any(|n| n == name) {
            let text = format!("`{name}` calls itself");
            return Err(Diagnostic::new("P07", text, span).into());
        }
        let mut frame = Frame {
            elems: caller.elems.clone(),
            inherited: caller.inherited.clone(),
            ..Frame::default()
        };
        for (param, value) in params.into_iter().zip(args) {
            if !matches!(value, Value::Int(_) | Value::Bool(_)) {
                let text = format!("`{name}` is a function of numbers known in advance");
                return Err(Diagnostic::new("P05", text, span)
                    .help("write a protocol for what is computed during the run")
                    .into());
            }
            frame.set(param, Vec::new(), value);
        }
        let body = function
            .body
            .as_ref()
            .and_then(|body| body.stmts.split_last());
        let Some((last, first)) = body else {
            return self.unsupported(span, "a function without a body");
        };
        let StmtKind::Expr { expr, value: true } = &last.kind else {
            return self.unsupported(last.span, "a function that does not end in a value");
        };
        self.stack.push(name.clone());
        for stmt in first {
            self.stmt(stmt, &mut frame);
        }
        let result = self.result_of(function, expr, &mut frame);
        self.stack.pop();
        result
    }

    fn result_of(&mut self, function: &Function, expr: &Expr, frame: &mut Frame) -> Outcome<Value> {
        let ty = function.results.first().map(|result| &result.ty);
        let word = ty.and_then(|ty| match &ty.kind {
            TypeKind::Named { path, indices, .. } if indices.is_empty() => {
                path.segments.last().map(|s| s.name.as_str())
            }
            _ => None,
        });
        match (word, ty) {
            (None | Some("int" | "bool"), None) | (Some("int" | "bool"), _) => {
                self.expr(expr, None, frame)
            }
            (_, Some(ty)) => match self.elem_of_type(ty, frame)? {
                elem @ Elem::Field(p) => {
                    let value = self.element(expr, p, frame)?;
                    let id = self.b.constant(p.signed(value), elem, source(expr.span));
                    Ok(Value::Clear(id))
                }
                _ => self.unsupported(ty.span, "a function with values outside a field"),
            },
            (Some(_), None) => Err(Fail(None)),
        }
    }

    /// A number of a field.
    fn element(&mut self, expr: &Expr, p: Prime, frame: &mut Frame) -> Outcome<u128> {
        match &expr.kind {
            ExprKind::Tuple(parts) if parts.len() == 1 => self.element(&parts[0], p, frame),
            ExprKind::Unary(UnaryOp::Neg, inner) => Ok(p.neg(self.element(inner, p, frame)?)),
            ExprKind::Binary(left, BinaryOp::Pow, right) => {
                let (base, by) = (self.element(left, p, frame)?, self.int(right, frame)?);
                let by = u128::try_from(by).map_err(|_| {
                    Diagnostic::new("P05", "a power is of a number not below 0", right.span)
                })?;
                Ok(p.power(base, by))
            }
            ExprKind::Binary(
                left,
                op @ (BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div),
                right,
            ) => {
                let (a, b) = (
                    self.element(left, p, frame)?,
                    self.element(right, p, frame)?,
                );
                match op {
                    BinaryOp::Add => Ok(p.add(a, b)),
                    BinaryOp::Sub => Ok(p.sub(a, b)),
                    BinaryOp::Mul => Ok(p.mul(a, b)),
                    _ => match p.inverse(b) {
                        Some(inverse) => Ok(p.mul(a, inverse)),
                        None => {
                            let text = format!("division by 0 modulo {p}");
                            Err(Diagnostic::new("P05", text, right.span)
                                .help("a larger p has room for more parties")
                                .into())
                        }
                    },
                }
            }
            ExprKind::Call { callee, args }
                if matches!(plain(callee), Some("product" | "sum"))
                    && args.len() == 1
                    && args[0].comp.is_some() =>
            {
                let product = plain(callee) == Some("product");
                let mut total = p.reduce(u128::from(product));
                let arg = &args[0];
                self.over(arg.comp.as_ref(), frame, |me, frame| {
                    let value = me.element(&arg.value, p, frame)?;
                    total = if product {
                        p.mul(total, value)
                    } else {
                        p.add(total, value)
                    };
                    Ok(())
                })?;
                Ok(total)
            }
            _ => match self.expr(expr, None, frame)? {
                Value::Int(value) => Ok(p.residue(value)),
                Value::Clear(id) if let Some(value) = self.b.info(id).constant => {
                    Ok(p.residue(value))
                }
                Value::Poison => Err(Fail(None)),
                _ => Err(Diagnostic::new(
                    "P05",
                    format!("`{}` is no number known in advance", self.text(expr.span)),
                    expr.span,
                )
                .into()),
            },
        }
    }

    /// `product(e for …)` of numbers.
    pub fn power_product(&mut self, arg: &Arg, frame: &mut Frame) -> Outcome<Value> {
        let mut total = 1i128;
        self.over(arg.comp.as_ref(), frame, |me, frame| {
            let value = me.int(&arg.value, frame)?;
            total = total.checked_mul(value).ok_or_else(|| {
                Diagnostic::new("P05", "this product is too large here", arg.value.span)
            })?;
            Ok(())
        })?;
        Ok(Value::Int(total))
    }

    /// `set(P[i] for P[i] if …)`.
    pub fn party_set(&mut self, arg: &Arg, frame: &mut Frame) -> Outcome<Value> {
        let mut set = PartySet::EMPTY;
        self.over(arg.comp.as_ref(), frame, |me, frame| {
            set = set.union(me.parties(&arg.value, frame)?);
            Ok(())
        })?;
        Ok(Value::Parties(set))
    }

    /// Whether a `requires` on numbers alone does not hold: `2*d < n`.
    pub fn refused(&mut self, function: &Function, frame: &mut Frame) -> bool {
        let mut numbers = self.globals.clone();
        numbers.extend(
            frame
                .inherited
                .iter()
                .map(|(name, value)| (name.clone(), *value)),
        );
        for (name, family) in &frame.vars {
            match family.get(&Vec::new()) {
                Some(Value::Int(value)) => {
                    numbers.insert(name.clone(), *value);
                }
                _ => {
                    numbers.remove(name);
                }
            }
        }
        let mut refused = false;
        for clause in &function.clauses {
            if let ClauseKind::Requires(claim) = &clause.kind
                && let Some(holds) = holds(claim, &numbers)
            {
                self.reads_width();
                self.decide(clause.span, Decided::Is(holds));
                refused |= !holds;
            }
        }
        refused
    }
}

/// Whether a claim about numbers holds; `None` if it is about anything else.
fn holds(claim: &Expr, numbers: &std::collections::BTreeMap<String, i128>) -> Option<bool> {
    let number = |expr| crate::library::number(expr, numbers);
    match &claim.kind {
        ExprKind::Tuple(parts) if parts.len() == 1 => holds(&parts[0], numbers),
        ExprKind::Binary(left, op, right) => {
            crate::operators::compare(*op, number(left)?, number(right)?)
        }
        ExprKind::Chain(first, rest) => {
            let mut left = number(first)?;
            for (op, right) in rest {
                let right = number(right)?;
                if !crate::operators::compare(*op, left, right)? {
                    return Some(false);
                }
                left = right;
            }
            Some(true)
        }
        _ => None,
    }
}
