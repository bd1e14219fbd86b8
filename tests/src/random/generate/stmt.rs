//! Statements.

use super::super::ast::{Base, Bin, Dim, Expr, Over, Stmt, Ty};
use super::{Extent, Form, Generator, Known, Label};

impl Generator {
    /// One statement of the script, with what it needs before it.
    pub(super) fn statement(&mut self, depth: u32) -> Vec<Stmt> {
        match self.draw.below(16) {
            0..=4 => self.local_let(Label::Public),
            5 | 6 => self.learn(),
            7..=9 => self.for_loop(depth),
            10 => self.while_loop(),
            11 => self.while_secret(),
            12 | 13 => self.branch(depth),
            14 => self.records(),
            _ if self.draw.percent(50) => self.family(),
            _ => self.tuple_let(),
        }
    }

    /// The values of a family of parties, one after the other or side by side.
    fn family(&mut self) -> Vec<Stmt> {
        let found = self.known().find_map(|k| match &k.form {
            Form::Family(ty, parties) => Some((k.name.clone(), ty.clone(), parties.clone())),
            _ => None,
        });
        let Some((values, ty, parties)) = found else {
            return self.tuple_let();
        };
        let declared = self.script.parties.iter().find(|(n, _)| *n == parties);
        let members = Dim::constant(declared.and_then(|p| p.1).unwrap_or(1) as i64);
        let (function, dims) = match ty.dims.as_slice() {
            [n] if self.draw.percent(60) => ("concat", vec![members.times(n)]),
            dims => {
                let mut stacked = vec![members];
                stacked.extend(dims.iter().cloned());
                ("", stacked)
            }
        };
        let name = self.fresh("x");
        self.tensor(&name, Ty::array(ty.base, dims), Label::Secret, false);
        let value = Expr::Family {
            function: function.into(),
            values,
            parties,
        };
        vec![Stmt::Let {
            names: vec![name],
            mutable: false,
            blurred: true,
            ty: None,
            value,
        }]
    }

    /// `let x = e;`: at this label in a function, else at any.
    pub(super) fn local_let(&mut self, label: Label) -> Vec<Stmt> {
        let label = match label {
            Label::Any => Label::Any,
            _ => self.some_label(),
        };
        let mut ty = self.some_ty();
        let mut called = None;
        if !self.script.functions.is_empty() && self.draw.percent(30) {
            // The result of a function of the script.
            let function = self.draw.of(&self.script.functions.clone()).clone();
            let result = self.draw.of(&function.results).clone();
            let size = self.some_dim();
            let dims = result.dims.iter().map(|d| d.renamed("k", &size));
            let wanted = Ty::array(result.base, dims.collect());
            called = self.call_own(&wanted, label, 2);
            if called.is_some() {
                ty = wanted;
            }
        }
        let value = match called {
            Some(called) => called,
            None => self.expr(&ty, label, 3),
        };
        let name = self.fresh("x");
        self.tensor(&name, ty, label, false);
        vec![Stmt::Let {
            names: vec![name],
            mutable: false,
            blurred: matches!(label, Label::Secret | Label::Any),
            ty: None,
            value,
        }]
    }

    fn tuple_let(&mut self) -> Vec<Stmt> {
        let label = self.some_label();
        let types = [self.some_ty(), self.some_ty()];
        let values = types.iter().map(|ty| self.expr(ty, label, 2)).collect();
        let value = Expr::Tuple(values);
        let blurred = label == Label::Secret;
        if self.draw.percent(50) {
            let names: Vec<String> = (0..2).map(|_| self.fresh("x")).collect();
            for (name, ty) in names.iter().zip(types) {
                self.tensor(name, ty, label, false);
            }
            return vec![Stmt::Let {
                names,
                mutable: false,
                blurred,
                ty: None,
                value,
            }];
        }
        let name = self.fresh("p");
        self.declare(Known {
            name: name.clone(),
            form: Form::Tuple(types.to_vec()),
            label,
            mutable: false,
            index: None,
            learnt: false,
        });
        vec![Stmt::Let {
            names: vec![name],
            mutable: false,
            blurred,
            ty: None,
            value,
        }]
    }

    /// `let x = reveal e;`
    fn learn(&mut self) -> Vec<Stmt> {
        let ty = self.some_ty();
        let value = self.expr(&ty, Label::Secret, 2);
        let name = self.fresh("r");
        let party = self.draw.percent(25).then(|| {
            let singles: Vec<usize> = (0..self.script.parties.len())
                .filter(|p| self.script.parties[*p].1.is_none())
                .collect();
            *self.draw.of(&singles)
        });
        self.declare(Known {
            name: name.clone(),
            form: Form::Tensor(ty),
            label: party.map_or(Label::Public, Label::Owned),
            mutable: false,
            index: None,
            learnt: party.is_none(),
        });
        let to = party.map(|p| self.script.parties[p].0.clone());
        vec![Stmt::Learn { name, value, to }]
    }

    /// Tables: sorted, picked from, or chosen between.
    fn records(&mut self) -> Vec<Stmt> {
        let tables: Vec<Known> = self
            .known()
            .filter(|k| matches!(&k.form, Form::Table(_, dims) if dims.len() == 1))
            .cloned()
            .collect();
        if tables.is_empty() {
            return vec![];
        }
        let table = self.draw.of(&tables).clone();
        let Form::Table(at, dims) = table.form.clone() else {
            return vec![];
        };
        let mut whole = Expr::Var(table.name.clone());
        if table.label != Label::Secret {
            whole = Expr::Share(Box::new(whole));
        }
        let name = self.fresh("u");
        let row = |i: Expr| {
            let at = vec![super::super::ast::At::One(i)];
            Expr::Index(Box::new(whole.clone()), at)
        };
        let (value, dims) = match self.draw.below(3) {
            0 if self.extent == Extent::Full => (Expr::SortBy(Box::new(whole), "key".into()), dims),
            1 => {
                let (Some(i), Some(j)) = (self.place(&dims[0]), self.place(&dims[0])) else {
                    return vec![];
                };
                let c = self.expr(&Ty::scalar(Base::Bool), Label::Secret, 2);
                let parts = Box::new([c, row(i), row(j)]);
                let picked = Expr::If {
                    secret: true,
                    parts,
                    blurred: true,
                };
                (picked, vec![])
            }
            _ => (whole, dims),
        };
        self.declare(Known {
            name: name.clone(),
            form: Form::Table(at, dims),
            label: Label::Secret,
            mutable: false,
            index: None,
            learnt: false,
        });
        vec![Stmt::Let {
            names: vec![name],
            mutable: false,
            blurred: true,
            ty: None,
            value,
        }]
    }

    /// `let mut x = e;`
    fn variable(&mut self, ty: Ty, label: Label) -> Stmt {
        // One that becomes secret later may begin public.
        let first = if label == Label::Secret && self.draw.percent(40) {
            Label::Public
        } else {
            label
        };
        let value = self.expr(&ty, first, 1);
        let name = self.fresh("w");
        self.tensor(&name, ty.clone(), label, true);
        Stmt::Let {
            names: vec![name],
            mutable: true,
            blurred: label == Label::Secret,
            ty: self.draw.percent(10).then_some(ty),
            value,
        }
    }

    fn variables(&mut self) -> Vec<Stmt> {
        let label = if self.draw.percent(80) {
            Label::Secret
        } else {
            self.some_label()
        };
        let count = 1 + usize::from(self.draw.percent(40));
        (0..count)
            .map(|_| {
                let ty = self.some_ty();
                self.variable(ty, label)
            })
            .collect()
    }

    fn for_loop(&mut self, depth: u32) -> Vec<Stmt> {
        let mut out = if depth == 0 { self.variables() } else { vec![] };
        let count = 1 + usize::from(self.draw.percent(30));
        self.scopes.push(vec![]);
        let mut over = vec![];
        for at in 0..count {
            let name = self.fresh("i");
            let dim = self.some_dim();
            // A triangle: the second range depends on the first index.
            let (from, to) = match (at, over.first()) {
                (1, Some(first)) if self.draw.percent(15) => {
                    let first: &Over = first;
                    let after = Dim::name(&first.name).plus(&Dim::constant(1), 1);
                    (Dim::default(), after)
                }
                _ => (Dim::default(), dim),
            };
            self.declare(Known {
                name: name.clone(),
                form: Form::Tensor(Ty::scalar(Base::Int)),
                label: Label::Public,
                mutable: false,
                index: Some((from.clone(), to.clone())),
                learnt: false,
            });
            over.push(Over { name, from, to });
        }
        let guard = if count == 2 && self.draw.percent(40) {
            let op = *self.draw.of(&[Bin::Lt, Bin::Ne, Bin::Le]);
            let (a, b) = (over[0].name.clone(), over[1].name.clone());
            Some(Expr::Bin(
                op,
                Box::new(Expr::Var(a)),
                Box::new(Expr::Var(b)),
            ))
        } else {
            None
        };
        let body = self.body(depth + 1, false);
        self.scopes.pop();
        out.push(Stmt::For { over, guard, body });
        out
    }

    /// Statements inside a loop or arm. In a secret arm only secret variables are assigned.
    fn body(&mut self, depth: u32, secret: bool) -> Vec<Stmt> {
        self.scopes.push(vec![]);
        let mut out = vec![];
        if self.draw.percent(30) {
            out.extend(self.local_let(Label::Public));
        }
        let count = 1 + usize::from(self.draw.percent(40));
        for _ in 0..count {
            let nested = depth < 2 && self.draw.percent(20);
            if nested {
                match self.draw.below(3) {
                    0 if !secret => out.extend(self.for_loop(depth)),
                    _ => out.extend(self.conditional(depth, secret)),
                }
            } else if let Some(stmt) = self.assignment(secret) {
                out.push(stmt);
            }
        }
        self.scopes.pop();
        out
    }

    /// `x = e`, `x[i] += e`, `(x, y) = (e, f)`.
    fn assignment(&mut self, secret: bool) -> Option<Stmt> {
        let targets: Vec<Known> = self
            .known()
            .filter(|k| k.mutable && (!secret || k.label == Label::Secret))
            .cloned()
            .collect();
        if targets.is_empty() {
            return None;
        }
        let target = self.draw.of(&targets).clone();
        let Form::Tensor(ty) = target.form.clone() else {
            return None;
        };
        let scalars: Vec<&Known> = targets
            .iter()
            .filter(|k| k.name != target.name && k.label == target.label)
            .collect();
        if let (Some(other), true) = (scalars.first(), self.draw.percent(15)) {
            let Form::Tensor(second) = &other.form else {
                return None;
            };
            let values = vec![
                self.expr(&ty, target.label, 2),
                self.expr(second, target.label, 2),
            ];
            return Some(Stmt::Assign {
                names: vec![target.name.clone(), other.name.clone()],
                at: vec![],
                op: None,
                value: Expr::Tuple(values),
            });
        }
        let mut at = vec![];
        let mut element = ty.clone();
        // An element where an index of a loop fits.
        while !element.dims.is_empty() && self.draw.percent(75) {
            at.push(self.place(&element.dims[0].clone())?);
            element.dims.remove(0);
        }
        let number = matches!(ty.base, Base::Int | Base::Fix);
        let op = if number && self.draw.percent(45) {
            Some(*self.draw.of(&[Bin::Add, Bin::Add, Bin::Sub, Bin::Mul]))
        } else {
            None
        };
        let value = self.expr(&element, target.label, 2);
        Some(Stmt::Assign {
            names: vec![target.name],
            at,
            op,
            value,
        })
    }

    fn while_loop(&mut self) -> Vec<Stmt> {
        let mut out = self.variables();
        let counter = self.fresh("c");
        let learnt: Vec<String> = self
            .known()
            .filter(|k| k.learnt && k.form == Form::Tensor(Ty::scalar(Base::Int)))
            .map(|k| k.name.clone())
            .collect();
        let start = if learnt.is_empty() || self.draw.percent(40) {
            Expr::Int(self.draw.range(0, 4).into())
        } else {
            let v = Expr::Var(self.draw.of(&learnt).clone());
            Expr::Bin(Bin::Rem, Box::new(v), Box::new(Expr::Int(4)))
        };
        out.push(Stmt::Let {
            names: vec![counter.clone()],
            mutable: true,
            blurred: false,
            ty: None,
            value: start,
        });
        self.scopes.push(vec![]);
        // Readable, and not assigned by the body.
        self.tensor(&counter, Ty::scalar(Base::Int), Label::Public, false);
        let mut body = self.body(2, false);
        self.scopes.pop();
        let step = Stmt::Assign {
            names: vec![counter.clone()],
            at: vec![],
            op: Some(Bin::Sub),
            value: Expr::Int(1),
        };
        body.push(step);
        let condition = Expr::Bin(
            Bin::Gt,
            Box::new(Expr::Var(counter)),
            Box::new(Expr::Int(0)),
        );
        out.push(Stmt::While { condition, body });
        out
    }

    fn while_secret(&mut self) -> Vec<Stmt> {
        let ty = self.some_ty();
        let mut out = vec![self.variable(ty, Label::Secret)];
        let number = self.variable(Ty::scalar(Base::Int), Label::Secret);
        let Stmt::Let { names, .. } = &number else {
            return vec![];
        };
        let counter = names[0].clone();
        out.push(number);
        let bound = self.draw.range(-2, 8);
        let condition = Expr::Bin(
            *self.draw.of(&[Bin::Gt, Bin::Lt, Bin::Ne]),
            Box::new(Expr::Var(counter.clone())),
            Box::new(Expr::Int(bound.into())),
        );
        let mut body = self.body(2, true);
        if self.draw.percent(70) {
            body.push(Stmt::Assign {
                names: vec![counter],
                at: vec![],
                op: Some(*self.draw.of(&[Bin::Add, Bin::Sub])),
                value: Expr::Int(self.draw.range(1, 3).into()),
            });
        }
        if body.is_empty() {
            return vec![];
        }
        let name = self.draw.percent(40).then(|| self.fresh("done"));
        if let Some(name) = &name {
            self.tensor(name, Ty::scalar(Base::Bool), Label::Secret, false);
        }
        let max = Dim::constant(self.draw.range(1, 3));
        out.push(Stmt::WhileSecret {
            name,
            condition,
            max,
            body,
        });
        out
    }

    fn branch(&mut self, depth: u32) -> Vec<Stmt> {
        let mut out = self.variables();
        out.extend(self.conditional(depth, false));
        out
    }

    /// `if c { … } else { … }` on a public condition, or a secret one.
    fn conditional(&mut self, depth: u32, within: bool) -> Vec<Stmt> {
        let secret = within || self.draw.percent(60);
        let label = if secret && self.draw.percent(85) {
            Label::Secret
        } else {
            Label::Public
        };
        let condition = self.expr(&Ty::scalar(Base::Bool), label, 2);
        let arms = secret || within;
        let then = self.body(depth + 1, arms);
        let otherwise = if self.draw.percent(60) {
            self.body(depth + 1, arms)
        } else {
            vec![]
        };
        if then.is_empty() && otherwise.is_empty() {
            return vec![];
        }
        vec![Stmt::If {
            secret: secret || label != Label::Public,
            condition,
            then,
            otherwise,
        }]
    }

    /// What the script answers.
    pub(super) fn final_reveal(&mut self) -> Vec<Stmt> {
        let name = self.fresh("o");
        // Rather what was computed than an input.
        let computed: Vec<Known> = self
            .known()
            .filter(|k| k.label == Label::Secret && !matches!(k.form, Form::Family(..)))
            .cloned()
            .collect();
        let value = if !computed.is_empty() && self.draw.percent(65) {
            let known = self.draw.of(&computed).clone();
            let var = Expr::Var(known.name.clone());
            match &known.form {
                Form::Table(at, _) => {
                    let fields = self.script.structs[*at].1.clone();
                    let field = self.draw.of(&fields).0.clone();
                    Expr::Member(Box::new(var), field)
                }
                _ => var,
            }
        } else {
            let ty = self.some_ty();
            let label = if self.draw.percent(85) {
                Label::Secret
            } else {
                self.some_label()
            };
            self.expr(&ty, label, 3)
        };
        let singles: Vec<String> = self
            .script
            .parties
            .iter()
            .filter(|p| p.1.is_none())
            .map(|p| p.0.clone())
            .collect();
        let family = self.script.parties.iter().find(|p| p.1.is_some()).cloned();
        let to = match self.draw.below(10) {
            0 | 1 => Some(self.draw.of(&singles).clone()),
            2 => {
                let others = singles[..2.min(singles.len())].join(", ");
                Some(others)
            }
            3 => family.map(|(name, members)| {
                let member = self.draw.below(members.unwrap_or(1));
                format!("{name}[{member}]")
            }),
            _ => None,
        };
        vec![Stmt::Reveal { value, to, name }]
    }
}
