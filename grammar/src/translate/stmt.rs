//! Statements and blocks.

use super::{Kids, Pair, Translator};
use crate::ast::{
    Act, ActKind, Assign, BinaryOp, Block, Coin, Collect, Comp, Expr, ExprKind, For, Init, Let,
    Pattern, Send, Span, Stmt, StmtKind,
};
use crate::grammar::Rule;

impl Translator<'_> {
    pub(crate) fn block(&self, pair: Pair<'_>) -> Option<Block> {
        let span = self.span(&pair);
        let mut stmts: Vec<Stmt> = pair
            .into_inner()
            .map(|stmt| self.stmt(stmt))
            .collect::<Option<_>>()?;
        let last = stmts.len().saturating_sub(1);
        for (at, stmt) in stmts.iter_mut().enumerate() {
            if let StmtKind::Expr { value, .. } = &mut stmt.kind {
                *value = *value && at == last;
            }
        }
        Some(Block { stmts, span })
    }

    pub(crate) fn stmt(&self, pair: Pair<'_>) -> Option<Stmt> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let kind = match rule {
            Rule::if_expr => StmtKind::Expr {
                expr: self.expr(pair)?,
                value: true,
            },
            Rule::while_stmt => {
                let mut kids = Kids::of(pair);
                let expr = self.expr(kids.next()?)?;
                let value = !kids.has(Rule::semi);
                StmtKind::Expr { expr, value }
            }
            _ => {
                let mut kids = Kids::of(pair);
                match rule {
                    Rule::let_stmt => StmtKind::Let(self.let_stmt(&mut kids)?),
                    Rule::for_stmt => {
                        kids.take(Rule::k_for)?;
                        let each = kids.has(Rule::k_each);
                        let comp = self.iters(&mut kids, span)?;
                        let body = self.block(kids.next()?)?;
                        StmtKind::For(For { each, comp, body })
                    }
                    Rule::offline_stmt => {
                        kids.take(Rule::k_offline)?;
                        StmtKind::Offline(self.block(kids.next()?)?)
                    }
                    Rule::collect_stmt => StmtKind::Collect(self.collect(&mut kids)?),
                    Rule::check_stmt => {
                        kids.take(Rule::k_check)?;
                        StmtKind::Check(self.expr(kids.next()?)?)
                    }
                    Rule::agree_stmt => {
                        kids.take(Rule::k_agree)?;
                        let value = self.expr(kids.next()?)?;
                        StmtKind::Agree(value, self.expr(kids.next()?)?)
                    }
                    Rule::expr_stmt => self.expr_stmt(&mut kids, span)?,
                    _ => return None,
                }
            }
        };
        Some(Stmt { kind, span })
    }

    fn let_stmt(&self, kids: &mut Kids<'_>) -> Option<Let> {
        kids.take(Rule::k_let)?;
        let mutable = kids.has(Rule::k_mut);
        let patterns = self.patterns(kids.take(Rule::pats)?)?;
        let ty = match kids.take(Rule::ty) {
            Some(ty) => Some(self.ty(ty)?),
            None => None,
        };
        let init = if let Some(tail) = kids.take(Rule::coin_tail) {
            Some(Init::Coin(self.coin(tail)?))
        } else if let Some(tail) = kids.take(Rule::assign_tail) {
            Some(Init::Value(self.assign_tail(tail)?.1))
        } else {
            None
        };
        let comp = self.comp_opt(kids)?;
        Some(Let {
            mutable,
            patterns,
            ty,
            init,
            comp,
        })
    }

    fn patterns(&self, pair: Pair<'_>) -> Option<Vec<Pattern>> {
        pair.into_inner()
            .map(|pat| {
                let inner = pat.into_inner().next()?;
                let span = self.span(&inner);
                Some(match inner.as_rule() {
                    Rule::tuple_pat => {
                        Pattern::Tuple(self.patterns(inner.into_inner().next()?)?, span)
                    }
                    _ => Pattern::Name(self.name(inner)?),
                })
            })
            .collect()
    }

    fn assign_tail(&self, pair: Pair<'_>) -> Option<(Option<BinaryOp>, Expr)> {
        let mut kids = Kids::of(pair);
        let op = match kids.take(Rule::assign_op)?.as_str() {
            "+=" => Some(BinaryOp::Add),
            "-=" => Some(BinaryOp::Sub),
            "*=" => Some(BinaryOp::Mul),
            "/=" => Some(BinaryOp::Div),
            _ => None,
        };
        Some((op, self.expr(kids.next()?)?))
    }

    fn collect(&self, kids: &mut Kids<'_>) -> Option<Collect> {
        kids.take(Rule::k_collect)?;
        let survivors = self.ident(kids.take(Rule::ident)?);
        kids.take(Rule::k_of)?;
        let of = self.expr(kids.next()?)?;
        kids.take(Rule::k_at)?;
        kids.take(Rule::k_least)?;
        let at_least = self.expr(kids.next()?)?;
        let body = self.block(kids.next()?)?;
        Some(Collect {
            survivors,
            of,
            at_least,
            body,
        })
    }

    fn expr_stmt(&self, kids: &mut Kids<'_>, span: Span) -> Option<StmtKind> {
        let mut heads = self.exprs(kids.take(Rule::exprs)?)?;
        let mut kind = None;
        if let Some(tail) = kids.next_if_tail() {
            kind = Some(match tail.as_rule() {
                Rule::coin_tail => Tail::Coin(self.coin(tail)?),
                Rule::assign_tail => {
                    let (op, value) = self.assign_tail(tail)?;
                    Tail::Assign(op, value)
                }
                Rule::send_tail => {
                    let mut parts = Kids::of(tail);
                    let mut to = Vec::new();
                    for party in parts.all(Rule::place_path) {
                        to.push(self.expr(party)?);
                    }
                    Tail::Send(to, self.exprs(parts.next()?)?)
                }
                _ => {
                    let mut parts = Kids::of(tail);
                    let act = match parts.take(Rule::act)?.as_str() {
                        "broadcasts" => ActKind::Broadcast,
                        "commits" => ActKind::Commit,
                        _ => ActKind::Decommit,
                    };
                    Tail::Act(act, self.exprs(parts.next()?)?)
                }
            });
        }
        let comp: Option<Comp> = self.comp_opt(kids)?;
        let value = !kids.has(Rule::semi);
        Some(match kind {
            Some(Tail::Coin(coin)) => StmtKind::Coin(heads, coin, comp),
            Some(Tail::Send(to, values)) => StmtKind::Send(Send {
                from: heads,
                to,
                values,
            }),
            Some(Tail::Assign(op, assigned)) => StmtKind::Assign(Assign {
                target: one_or_tuple(&mut heads, span)?,
                op,
                value: assigned,
                comp,
            }),
            Some(Tail::Act(kind, values)) => StmtKind::Act(Act {
                who: one_or_tuple(&mut heads, span)?,
                kind,
                values,
            }),
            None => StmtKind::Expr {
                expr: one_or_tuple(&mut heads, span)?,
                value,
            },
        })
    }
}

enum Tail {
    Coin(Coin),
    Assign(Option<BinaryOp>, Expr),
    Send(Vec<Expr>, Vec<Expr>),
    Act(ActKind, Vec<Expr>),
}

fn one_or_tuple(heads: &mut Vec<Expr>, span: Span) -> Option<Expr> {
    if heads.len() == 1 {
        return heads.pop();
    }
    Some(Expr {
        kind: ExprKind::Tuple(std::mem::take(heads)),
        span,
    })
}

impl<'a> Kids<'a> {
    fn next_if_tail(&mut self) -> Option<Pair<'a>> {
        match self.peek()? {
            Rule::coin_tail | Rule::assign_tail | Rule::send_tail | Rule::act_tail => self.next(),
            _ => None,
        }
    }
}
