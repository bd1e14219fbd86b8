//! Signatures: generics, parameters, results and the clauses after them.

use super::{Kids, Pair, Translator};
use crate::ast::{
    Audience, Block, Clause, ClauseKind, Ensures, Function, Generic, Limit, Modifier, ParamGroup,
    Quantifier, ResultDecl, Reveals,
};
use crate::grammar::Rule;

impl Translator<'_> {
    /// The common shape of `fn`, `protocol` and `functionality`, after `pub`.
    pub(crate) fn function(&self, kids: &mut Kids<'_>) -> Option<Function> {
        let modifier = match kids.peek() {
            Some(Rule::k_offline) => Some(Modifier::Offline),
            Some(Rule::k_deferred) => Some(Modifier::Deferred),
            Some(Rule::k_extern) => Some(Modifier::Extern),
            _ => None,
        };
        if modifier.is_some() {
            kids.next()?;
        }
        kids.next()?;
        let name = self.ident(kids.take(Rule::ident)?);
        let generics = self.generics(kids)?;
        let params = self.params(kids)?;
        let mut results = Vec::new();
        if let Some(list) = kids.take(Rule::results) {
            for result in list.into_inner() {
                results.push(self.result(result)?);
            }
        }
        let mut clauses = Vec::new();
        while kids.peek().is_some_and(|rule| rule != Rule::body) {
            clauses.push(self.clause(kids.next()?)?);
        }
        let body: Option<Block> = match kids.take(Rule::body)?.into_inner().next() {
            Some(block) => Some(self.block(block)?),
            None => None,
        };
        Some(Function {
            modifier,
            name,
            generics,
            params,
            results,
            clauses,
            body,
        })
    }

    pub(crate) fn generics(&self, kids: &mut Kids<'_>) -> Option<Vec<Generic>> {
        let mut generics = Vec::new();
        if let Some(list) = kids.take(Rule::generics) {
            for generic in list.into_inner() {
                let mut parts = Kids::of(generic);
                let name = self.ident(parts.take(Rule::ident)?);
                let bound = match parts.take(Rule::ty) {
                    Some(ty) => Some(self.ty(ty)?),
                    None => None,
                };
                generics.push(Generic { name, bound });
            }
        }
        Some(generics)
    }

    pub(crate) fn params(&self, kids: &mut Kids<'_>) -> Option<Vec<ParamGroup>> {
        let mut params = Vec::new();
        if let Some(list) = kids.take(Rule::params) {
            for param in list.into_inner() {
                let span = self.span(&param);
                let mut parts = Kids::of(param);
                let names = self.names(parts.all(Rule::name_pat))?;
                let ty = self.ty(parts.take(Rule::ty)?)?;
                let default = match parts.take(Rule::expr) {
                    Some(value) => Some(self.expr(value)?),
                    None => None,
                };
                let comp = self.comp_opt(&mut parts)?;
                params.push(ParamGroup {
                    names,
                    ty,
                    default,
                    comp,
                    span,
                });
            }
        }
        Some(params)
    }

    fn result(&self, pair: Pair<'_>) -> Option<ResultDecl> {
        let mut kids = Kids::of(pair);
        let names = match kids.take(Rule::result_names) {
            Some(list) => list.into_inner().map(|name| self.ident(name)).collect(),
            None => Vec::new(),
        };
        let ty = self.ty(kids.take(Rule::ty)?)?;
        Some(ResultDecl { names, ty })
    }

    fn clause(&self, pair: Pair<'_>) -> Option<Clause> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut kids = Kids::of(pair);
        kids.next()?;
        let kind = match rule {
            Rule::requires if kids.has(Rule::k_fresh) => {
                ClauseKind::RequiresFresh(self.expr(kids.next()?)?)
            }
            Rule::requires => ClauseKind::Requires(self.expr(kids.next()?)?),
            Rule::ensures => {
                let claim = self.expr(kids.next()?)?;
                let quantifier = match kids.take(Rule::quantifier) {
                    Some(pair) => Some(self.quantifier(pair)?),
                    None => None,
                };
                let except = match kids.take(Rule::except) {
                    Some(pair) => Some(self.expr(pair.into_inner().last()?)?),
                    None => None,
                };
                ClauseKind::Ensures(Ensures {
                    claim,
                    quantifier,
                    except,
                })
            }
            Rule::realises => ClauseKind::Realises(self.expr(kids.next()?)?),
            Rule::mode_clause => ClauseKind::Mode(self.ident(kids.take(Rule::ident)?)),
            Rule::reveals => {
                let name = self.ident(kids.take(Rule::ident)?);
                let ty = self.ty(kids.take(Rule::ty)?)?;
                let to = match kids.take(Rule::reveals_to) {
                    Some(to) => self.leak_to(to.into_inner().last()?)?,
                    None => Audience::All,
                };
                let distribution = match kids.take(Rule::expr) {
                    Some(value) => Some(self.expr(value)?),
                    None => None,
                };
                ClauseKind::Reveals(Reveals {
                    name,
                    ty,
                    to,
                    distribution,
                })
            }
            Rule::cost => ClauseKind::Cost(Limit {
                name: self.ident(kids.take(Rule::ident)?),
                value: self.expr(kids.next()?)?,
            }),
            Rule::bilinear => ClauseKind::Bilinear,
            Rule::private => ClauseKind::Private,
            _ => return None,
        };
        Some(Clause { kind, span })
    }

    fn quantifier(&self, pair: Pair<'_>) -> Option<Quantifier> {
        let mut kids = Kids::of(pair);
        kids.take(Rule::k_for)?;
        let some = kids.has(Rule::k_some);
        let name = self.ident(kids.take(Rule::ident)?);
        kids.take(Rule::k_in)?;
        let domain = self.expr(kids.next()?)?;
        Some(Quantifier { some, name, domain })
    }

    pub(crate) fn leak_to(&self, pair: Pair<'_>) -> Option<Audience> {
        let mut kids = Kids::of(pair);
        if kids.has(Rule::k_all) {
            return Some(Audience::All);
        }
        let parties = kids
            .all(Rule::place_path)
            .into_iter()
            .map(|party| self.expr(party))
            .collect::<Option<_>>()?;
        Some(Audience::Parties(parties))
    }
}
