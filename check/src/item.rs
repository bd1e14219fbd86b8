//! Files: their items, the modules they use, and the run of the root file.

use smpc_grammar::ast::{self, Expr, ExprKind, ItemKind, Module, Span, TypeKind};
use smpc_ir::share::{Input, Label, Op, Param, SizeOrigin, Type, Using};
use smpc_ir::size::Size;

use crate::build::{Elab, PartyDecl, source};
use crate::leaks::Event;
use crate::types::Form;
use crate::value::{Leaf, Src, Val};

impl Elab<'_> {
    // ---- the root file

    pub fn run(&mut self, module: &Module) {
        let mut leaks = vec![];
        let mut unread = false;
        for item in &module.items {
            match &item.kind {
                ItemKind::Error => {
                    let text = self.text_of(item.span);
                    let rest = text.strip_prefix("leaks");
                    unread |= rest.is_some_and(|rest| rest.starts_with(char::is_whitespace));
                }
                ItemKind::Party(names) => self.party_item(names),
                ItemKind::Leaks(groups) => leaks.extend(groups.iter().cloned()),
                ItemKind::Using(using) => self.using_item(using),
                _ => {}
            }
        }
        for item in &module.items {
            match &item.kind {
                ItemKind::Param(param) => self.param_item(param),
                ItemKind::Input(input) => self.input_item(input),
                ItemKind::Stmt(stmt) => {
                    self.stmt(stmt);
                }
                ItemKind::Budget(limits) => self.budget_item(limits, item.span),
                _ => {}
            }
        }
        self.check_contract(&leaks, unread);
    }

    pub fn party_item(&mut self, names: &[ast::Name]) {
        for name in names {
            let first = self.program.parties.len();
            let base = name.ident.name.clone();
            if self.parties.contains_key(&base) {
                self.error(
                    "N02",
                    name.span,
                    format!("the party `{base}` is declared twice"),
                );
                continue;
            }
            let count = match name.indices.first().and_then(|l| l.first()) {
                None => None,
                Some(count) => match self.family_count(&base, count) {
                    Some(count) => Some(count),
                    None => continue,
                },
            };
            if first + count.unwrap_or(1) > 100 {
                self.error("U01", name.span, "a script has at most 100 parties");
                continue;
            }
            match count {
                None => self.program.parties.push(base.clone()),
                Some(count) => self
                    .program
                    .parties
                    .extend((0..count).map(|i| format!("{base}[{i}]"))),
            }
            self.parties.insert(
                base,
                PartyDecl {
                    first: first as u8,
                    count,
                },
            );
        }
    }

    fn family_count(&mut self, family: &str, count: &Expr) -> Option<usize> {
        if let ExprKind::Path { path, .. } = &count.kind
            && let [name] = path.segments.as_slice()
            && self.lookup(&name.name).is_none()
            && !self.modules[0].constants.contains_key(&name.name)
        {
            let set = self
                .options
                .sets
                .iter()
                .find(|(n, _)| *n == name.name)
                .and_then(|(_, v)| v.parse().ok());
            let known = self
                .options
                .families
                .get(family)
                .copied()
                .or(set)
                .filter(|m| *m >= 1);
            if known.is_none() {
                self.error_help(
                    "D02",
                    count.span,
                    format!("how many members `{family}` has is not known"),
                    format!(
                        "provide input folders `{family}[0]`, `{family}[1]`, …, or `--set {}=3`",
                        name.name
                    ),
                );
            }
            let members = known.unwrap_or(1);
            let size = Leaf::size(Size::from(members as i128));
            self.declare(&name.name, Val::Leaf(size), false, name.span);
            self.make_global(&name.name);
            return Some(members);
        }
        let size = self.size_expr(count)?;
        match size
            .as_constant()
            .and_then(|c| usize::try_from(c).ok())
            .filter(|c| *c >= 1)
        {
            Some(count) => Some(count),
            None => {
                self.error("D02", count.span, "the number of members is a positive constant, or a name counted from the inputs");
                None
            }
        }
    }

    fn make_global(&mut self, name: &str) {
        if let Some(slot) = self.lookup(name) {
            self.globals.insert(name.to_owned(), slot);
        }
    }

    pub fn using_item(&mut self, using: &ast::Using) {
        let mut args = vec![];
        for arg in &using.args {
            let value = match self.expr(&arg.value) {
                Val::Leaf(leaf) => leaf.as_constant(),
                _ => None,
            };
            match (&arg.name, value) {
                (Some(name), Some(value)) => args.push((name.name.clone(), value)),
                _ => self.error_help(
                    "T01",
                    arg.value.span,
                    "an argument of a backend is a named constant",
                    "write `using NAME(k: 128);`",
                ),
            }
        }
        let mut on = vec![];
        for party in &using.on {
            if let Some(set) = self.party_set(party) {
                on.extend(set.iter().map(|p| p.0));
            }
        }
        self.program.using = Using {
            backend: using.backend.segments.last().map(|s| s.name.clone()),
            args,
            trunc: using.trunc.as_ref().map(|t| t.name.clone()),
            on,
        };
    }

    pub fn param_item(&mut self, param: &ast::Param) {
        let name = param.name.name.clone();
        let ty = match self.form(&param.ty) {
            Some(Form::Scalar(ty, _)) => ty,
            Some(_) => {
                self.error("T01", param.ty.span, "a param is an int, a fix or a bool");
                return;
            }
            None => return,
        };
        let default = match &param.default {
            None => None,
            Some(expr) => {
                let val = self.expr(expr);
                let val = self.accept(&val, &param.ty, 0, expr.span);
                match &val {
                    Val::Leaf(leaf) => match leaf.as_constant() {
                        Some(value) => Some(value),
                        None => {
                            self.error("T01", expr.span, "the default of a param is a literal");
                            None
                        }
                    },
                    _ => None,
                }
            }
        };
        let number = self.program.params.len() as u32;
        self.program.params.push(Param {
            name: name.clone(),
            ty,
            default,
            source: source(param.name.span),
        });
        let leaf = if ty == Type::Int {
            let var = self.size_var(&name, SizeOrigin::Param(number), param.name.span);
            Leaf::size(Size::from(var))
        } else {
            let value = self.emit(
                Op::Param(number),
                vec![],
                (ty, vec![], Label::Public),
                param.name.span,
            );
            Leaf::public(Src::Ir(value), ty, vec![])
        };
        self.declare_once(&param.name, Val::Leaf(leaf));
        self.make_global(&name);
    }

    fn declare_once(&mut self, name: &ast::Ident, val: Val) {
        let twice = self
            .frames
            .last()
            .and_then(|f| f.scopes.last())
            .is_some_and(|s| s.contains_key(&name.name));
        if twice {
            self.error(
                "N02",
                name.span,
                format!("`{}` is declared twice", name.name),
            );
        }
        self.declare(&name.name, val, false, name.span);
    }

    fn input_item(&mut self, input: &ast::Input) {
        for name in &input.names {
            match name.indices.first().and_then(|l| l.first()) {
                None => {
                    let Some(set) = self.party_set(&input.from) else {
                        continue;
                    };
                    let mut owners = set.iter();
                    let (Some(owner), None) = (owners.next(), owners.next()) else {
                        self.error_help(
                            "K13",
                            input.from.span,
                            "an input comes from one party",
                            "declare a family of inputs: `input x[i]: … from name[i];`",
                        );
                        continue;
                    };
                    let val = self.input(name, &input.ty, owner.0);
                    self.declare_once(&name.ident, val);
                }
                Some(index) => {
                    let ExprKind::Path { path, .. } = &index.kind else {
                        self.error("T01", index.span, "the index of an input family is a name");
                        continue;
                    };
                    let binder = path.segments[0].clone();
                    let family = match &input.from.kind {
                        ExprKind::Index { base, .. } => match &base.kind {
                            ExprKind::Path { path, .. } => path.segments[0].name.clone(),
                            _ => String::new(),
                        },
                        _ => String::new(),
                    };
                    let Some(PartyDecl {
                        first,
                        count: Some(count),
                    }) = self.parties.get(&family).cloned()
                    else {
                        if !family.is_empty() && self.parties.contains_key(&family) {
                            self.error(
                                "T01",
                                input.from.span,
                                format!("`{family}` is one party, not a family"),
                            );
                        } else {
                            let known: Vec<String> = self.parties.keys().cloned().collect();
                            self.unknown_name(&family, "party family", input.from.span, &known);
                        }
                        self.declare_once(&name.ident, Val::Unknown);
                        continue;
                    };
                    let mut members = vec![];
                    for member in 0..count {
                        self.open_scope();
                        let at = Leaf::size(Size::from(member as i128));
                        self.declare(&binder.name, Val::Leaf(at), false, binder.span);
                        members.push(self.input(name, &input.ty, first + member as u8));
                        self.close_scope();
                    }
                    self.declare_once(&name.ident, Self::family_of(members));
                }
            }
        }
    }

    /// One input of one owner; its type binds sizes.
    fn input(&mut self, name: &ast::Name, ty: &ast::Type, owner: u8) -> Val {
        let mut dims: Vec<&Expr> = vec![];
        let mut element = ty;
        while let TypeKind::Array(inner, sizes) = &element.kind {
            dims.extend(sizes);
            element = inner;
        }
        let columns: Vec<(Option<String>, &ast::Type)>;
        let def;
        match self.form(element) {
            Some(Form::Struct(found)) => {
                def = Some(found);
                columns = vec![];
            }
            Some(Form::Scalar(..)) => {
                def = None;
                columns = vec![(None, element)];
            }
            Some(_) => {
                self.error(
                    "T01",
                    element.span,
                    "an input is made of int, fix, bool, bits, text or a struct of these",
                );
                return Val::Unknown;
            }
            None => return Val::Unknown,
        }
        let position = self.program.inputs.len() as u32;
        let mut shape = vec![];
        for (axis, dim) in dims.iter().enumerate() {
            match self.bound_size(dim, position, axis as u8) {
                Some(size) => shape.push(size),
                None => return Val::Unknown,
            }
        }
        let owned = Label::Owned([smpc_ir::party::Party(owner)].into_iter().collect());
        let add = |this: &mut Self, column: Option<String>, ty: &ast::Type| {
            let Some(Form::Scalar(scalar, text)) = this.form(ty) else {
                this.error("T01", ty.span, "a column is int, fix, bool, bits or text");
                return Val::Unknown;
            };
            let number = this.program.inputs.len() as u32;
            this.program.inputs.push(Input {
                party: owner,
                file: name.ident.name.clone(),
                column,
                ty: scalar,
                text,
                shape: shape.clone(),
                source: source(name.span),
            });
            let value = this.emit(
                Op::Input(number),
                vec![],
                (scalar, shape.clone(), owned),
                name.span,
            );
            Val::Leaf(Leaf {
                src: Src::Ir(value),
                ty: scalar,
                axes: vec![],
                dims: shape.clone(),
                label: owned,
                origin: None,
            })
        };
        match def {
            Some(def) => {
                let items = def
                    .fields
                    .iter()
                    .map(|(f, ty)| add(self, Some(f.name.clone()), ty))
                    .collect();
                Val::Struct(def, items)
            }
            None => match columns.first() {
                Some((_, ty)) => add(self, None, ty),
                None => Val::Unknown,
            },
        }
    }

    /// A dimension of an input: a new name is bound by it.
    fn bound_size(&mut self, dim: &Expr, input: u32, axis: u8) -> Option<Size> {
        let origin = SizeOrigin::Input { input, axis };
        match &dim.kind {
            ExprKind::Path { path, .. } if path.segments.len() == 1 => {
                let name = &path.segments[0];
                if self.lookup(&name.name).is_none()
                    && !self.modules[0].constants.contains_key(&name.name)
                {
                    let var = self.size_var(&name.name, origin, name.span);
                    let scope = self
                        .frames
                        .last_mut()
                        .map(|f| std::mem::take(&mut f.scopes));
                    let mut scopes = scope.unwrap_or_default();
                    let inner = scopes.split_off(1.min(scopes.len()));
                    if let Some(frame) = self.frames.last_mut() {
                        frame.scopes = scopes;
                    }
                    self.declare(
                        &name.name,
                        Val::Leaf(Leaf::size(Size::from(var))),
                        false,
                        name.span,
                    );
                    if let Some(frame) = self.frames.last_mut() {
                        frame.scopes.extend(inner);
                    }
                    self.size_leaks(&name.name, name.span);
                    return Some(Size::from(var));
                }
            }
            ExprKind::Index { base, indices } => {
                if let (ExprKind::Path { path, .. }, [index]) = (&base.kind, indices.as_slice()) {
                    let name = path.segments[0].clone();
                    let at = match self.expr(&index.value) {
                        Val::Leaf(leaf) => leaf.as_constant(),
                        _ => None,
                    };
                    let known = self.lookup(&name.name).map(|s| self.slots[s].val.clone());
                    let new = match (&known, at) {
                        (None, Some(_)) => true,
                        (Some(Val::Family(family)), Some(at)) => {
                            !family.members.contains_key(&vec![at])
                        }
                        _ => false,
                    };
                    if let (true, Some(at)) = (new, at) {
                        let var = self.size_var(&format!("{}[{at}]", name.name), origin, name.span);
                        self.add_member(&name, vec![at], Val::Leaf(Leaf::size(Size::from(var))));
                        self.size_leaks(&name.name, name.span);
                        return Some(Size::from(var));
                    }
                }
            }
            _ => {}
        }
        self.size_expr(dim)
    }

    /// A size bound by an input is known to all.
    fn size_leaks(&mut self, name: &str, span: Span) {
        if self.events.iter().any(|e| e.name == name) {
            return;
        }
        self.events.push(Event {
            name: name.to_owned(),
            what: "size".into(),
            to: ["all".to_owned()].into_iter().collect(),
            when: None,
            loops: vec![],
            span,
        });
    }
}
