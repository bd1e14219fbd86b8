//! Items, schemes and backends.

use super::{Kids, Pair, Translator};
use crate::ast::{
    Approx, Backend, Carrier, Coalition, Const, Expr, Held, Input, Item, ItemKind, Leak, Limit,
    Often, Param, Scheme, SchemePart, SchemePartKind, Struct, Test, Type, Use, UseSource, Using,
};
use crate::grammar::Rule;

impl Translator<'_> {
    /// An item or a top-level statement, without its documentation.
    pub(crate) fn item(&self, pair: Pair<'_>) -> Option<Item> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        if matches!(
            rule,
            Rule::let_stmt
                | Rule::for_stmt
                | Rule::if_expr
                | Rule::while_stmt
                | Rule::offline_stmt
                | Rule::collect_stmt
                | Rule::check_stmt
                | Rule::agree_stmt
                | Rule::expr_stmt
        ) {
            let mut stmt = self.stmt(pair)?;
            if let crate::ast::StmtKind::Expr { value, .. } = &mut stmt.kind {
                *value = false;
            }
            return Some(Item {
                docs: String::new(),
                public: false,
                kind: ItemKind::Stmt(stmt),
                span,
            });
        }
        let mut kids = Kids::of(pair);
        let public = kids.has(Rule::k_pub);
        let kind = match rule {
            Rule::fn_item => ItemKind::Fn(self.function(&mut kids)?),
            Rule::protocol_item => ItemKind::Protocol(self.function(&mut kids)?),
            Rule::functionality_item => ItemKind::Functionality(self.function(&mut kids)?),
            _ => {
                kids.next()?;
                self.item_kind(rule, &mut kids)?
            }
        };
        Some(Item {
            docs: String::new(),
            public,
            kind,
            span,
        })
    }

    fn item_kind(&self, rule: Rule, kids: &mut Kids<'_>) -> Option<ItemKind> {
        Some(match rule {
            Rule::use_item => {
                let source = kids.next()?;
                let source = if source.as_rule() == Rule::string {
                    let span = self.span(&source);
                    UseSource::File(source.as_str().trim_matches('"').to_owned(), span)
                } else {
                    UseSource::Path(self.path(source))
                };
                let alias = if kids.has(Rule::k_as) {
                    Some(self.ident(kids.next()?))
                } else {
                    None
                };
                ItemKind::Use(Use { source, alias })
            }
            Rule::party_item => ItemKind::Party(self.names(kids.all(Rule::name_pat))?),
            Rule::param_item => ItemKind::Param(Param {
                name: self.ident(kids.next()?),
                ty: self.ty(kids.next()?)?,
                default: self.maybe_expr(kids)?,
            }),
            Rule::const_item => ItemKind::Const(Const {
                name: self.ident(kids.next()?),
                ty: match kids.take(Rule::ty) {
                    Some(ty) => Some(self.ty(ty)?),
                    None => None,
                },
                value: self.expr(kids.next()?)?,
            }),
            Rule::input_item => {
                let names = self.names(kids.all(Rule::name_pat))?;
                let ty = self.ty(kids.next()?)?;
                kids.take(Rule::k_from)?;
                let from = self.expr(kids.next()?)?;
                ItemKind::Input(Input { names, ty, from })
            }
            Rule::using_item => ItemKind::Using(self.using(kids)?),
            Rule::leaks_item => ItemKind::Leaks(
                kids.all(Rule::leak)
                    .into_iter()
                    .map(|leak| self.leak(leak))
                    .collect::<Option<_>>()?,
            ),
            Rule::budget_item => ItemKind::Budget(
                kids.all(Rule::limit)
                    .into_iter()
                    .map(|limit| {
                        let mut parts = Kids::of(limit);
                        Some(Limit {
                            name: self.ident(parts.next()?),
                            value: self.expr(parts.next()?)?,
                        })
                    })
                    .collect::<Option<_>>()?,
            ),
            Rule::struct_item => ItemKind::Struct(Struct {
                name: self.ident(kids.next()?),
                fields: kids
                    .all(Rule::struct_field)
                    .into_iter()
                    .map(|field| {
                        let mut parts = Kids::of(field);
                        Some((self.ident(parts.next()?), self.ty(parts.next()?)?))
                    })
                    .collect::<Option<_>>()?,
            }),
            Rule::approx_item => ItemKind::Approx(self.approx(kids)?),
            Rule::backend_item => ItemKind::Backend(self.backend(kids)?),
            Rule::scheme_item => {
                let name = self.ident(kids.next()?);
                let generics = self.generics(kids)?;
                let mut parts = Vec::new();
                while let Some(part) = kids.next() {
                    parts.push(self.scheme_part(part)?);
                }
                ItemKind::Scheme(Scheme {
                    name,
                    generics,
                    parts,
                })
            }
            Rule::test_item => ItemKind::Test(Test {
                name: kids.next()?.as_str().trim_matches('"').to_owned(),
                body: self.block(kids.next()?)?,
            }),
            _ => return None,
        })
    }

    fn maybe_expr(&self, kids: &mut Kids<'_>) -> Option<Option<Expr>> {
        Some(match kids.take(Rule::expr) {
            Some(value) => Some(self.expr(value)?),
            None => None,
        })
    }

    fn using(&self, kids: &mut Kids<'_>) -> Option<Using> {
        let backend = self.path(kids.take(Rule::path)?);
        let args = match kids.take(Rule::call) {
            Some(call) => self.args(call)?,
            None => Vec::new(),
        };
        let mut using = Using {
            backend,
            args,
            trunc: None,
            on: Vec::new(),
        };
        while let Some(clause) = kids.next() {
            let rule = clause.as_rule();
            let mut parts = Kids::of(clause);
            parts.next()?;
            if rule == Rule::using_with {
                parts.next()?;
                using.trunc = Some(self.ident(parts.next()?));
            } else {
                while let Some(party) = parts.next() {
                    using.on.push(self.expr(party)?);
                }
            }
        }
        Some(using)
    }

    fn leak(&self, pair: Pair<'_>) -> Option<Leak> {
        let span = self.span(&pair);
        let mut kids = Kids::of(pair);
        let mut names = Vec::new();
        for name in kids.all(Rule::leak_name) {
            names.push(self.expr(name.into_inner().next()?)?);
        }
        kids.take(Rule::k_to)?;
        let to = self.leak_to(kids.next()?)?;
        let when = match kids.take(Rule::when) {
            Some(when) => Some(self.expr(when.into_inner().last()?)?),
            None => None,
        };
        let mut often = Vec::new();
        loop {
            if let Some(looped) = kids.take(Rule::leak_while) {
                let condition = looped.into_inner().last()?;
                often.push(Often::While(self.expr(condition)?));
            } else if let Some(comp) = self.comp_opt(&mut kids)? {
                often.push(Often::For(comp));
            } else {
                break;
            }
        }
        Some(Leak {
            names,
            to,
            when,
            often,
            span,
        })
    }

    fn approx(&self, kids: &mut Kids<'_>) -> Option<Approx> {
        let name = self.ident(kids.next()?);
        let params = self.params(kids)?;
        let value = self.expr(kids.next()?)?;
        kids.take(Rule::k_on)?;
        let on = self.expr(kids.next()?)?;
        let mut goals = Vec::new();
        let mut outside = None;
        for part in kids.all(Rule::approx_part) {
            let mut parts = Kids::of(part);
            let word = parts.next()?;
            let value = self.expr(parts.next()?)?;
            if word.as_rule() == Rule::approx_word {
                goals.push((self.ident(word), value));
            } else {
                outside = Some(value);
            }
        }
        Some(Approx {
            name,
            params,
            value,
            on,
            goals,
            outside,
        })
    }

    fn backend(&self, kids: &mut Kids<'_>) -> Option<Backend> {
        let name = self.ident(kids.next()?);
        let params = self.params(kids)?;
        let mut carriers = Vec::new();
        let mut trunc = None;
        while let Some(part) = kids.next() {
            let rule = part.as_rule();
            if rule == Rule::trunc_default {
                trunc = Some(self.ident(part.into_inner().last()?));
                continue;
            }
            let mut types: Vec<Type> = part
                .into_inner()
                .map(|ty| self.ty(ty))
                .collect::<Option<_>>()?;
            let scheme = types.pop()?;
            carriers.push(Carrier { types, scheme });
        }
        Some(Backend {
            name,
            params,
            carriers,
            trunc,
        })
    }

    fn scheme_part(&self, pair: Pair<'_>) -> Option<SchemePart> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut kids = Kids::of(pair);
        let kind = match rule {
            Rule::parties_part => {
                kids.next()?;
                let name = self.name(kids.next()?)?;
                kids.has(Rule::k_where);
                SchemePartKind::Parties(name, self.maybe_expr(&mut kids)?)
            }
            Rule::role_part => {
                SchemePartKind::Role(self.ident(kids.next()?), self.ident(kids.next()?))
            }
            Rule::corrupt_part => {
                kids.next()?;
                let mut coalitions = Vec::new();
                let mut powers = Vec::new();
                while let Some(part) = kids.next() {
                    match part.as_rule() {
                        Rule::corrupt_set => coalitions.push(self.coalition(part)?),
                        Rule::ident => powers.push(self.ident(part)),
                        _ => {}
                    }
                }
                SchemePartKind::Corrupt(coalitions, powers)
            }
            Rule::hidden_part => {
                kids.next()?;
                SchemePartKind::Hidden(self.names(kids.all(Rule::name_pat))?)
            }
            Rule::key_part => {
                kids.next()?;
                let name = self.name(kids.next()?)?;
                SchemePartKind::Key(name, self.coin(kids.next()?)?)
            }
            Rule::share_part => {
                kids.next()?;
                let left = self.expr(kids.next()?)?;
                let right = self.expr(kids.next()?)?;
                SchemePartKind::Share(left, right, self.comp_opt(&mut kids)?)
            }
            Rule::holds_part => {
                let party = self.expr(kids.next()?)?;
                kids.take(Rule::k_holds)?;
                let mut held = Vec::new();
                for part in kids.all(Rule::held) {
                    let mut parts = Kids::of(part);
                    held.push(Held {
                        offline: parts.has(Rule::k_offline),
                        component: self.expr(parts.next()?)?,
                    });
                }
                SchemePartKind::Holds(party, held)
            }
            _ => return None,
        };
        Some(SchemePart { kind, span })
    }

    fn coalition(&self, pair: Pair<'_>) -> Option<Coalition> {
        let mut kids = Kids::of(pair);
        let count = match kids.take(Rule::corrupt_count) {
            Some(count) => {
                kids.take(Rule::k_of)?;
                Some(self.expr(count.into_inner().next()?)?)
            }
            None => None,
        };
        let of = self.path(kids.take(Rule::path)?);
        Some(Coalition { count, of })
    }
}
