//! Turns the operators that jaq answers otherwise than jq into calls of our definitions.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Part, Path};

type Text<'t> = Term<&'t str>;

/// `term`, its operators and interpolations replaced all the way down.
pub(super) fn rewritten<'t>(term: Text<'t>) -> Text<'t> {
    match term {
        // `@text` is ours, an interpolation without a format would be jaq's
        Term::Str(format, parts) => {
            let interpolates = parts.iter().any(|part| matches!(part, StrPart::Term(_)));
            let format = if interpolates {
                format.or(Some("@text"))
            } else {
                format
            };
            let part = |part| match part {
                StrPart::Term(term) => StrPart::Term(rewritten(term)),
                other => other,
            };
            Term::Str(format, parts.into_iter().map(part).collect())
        }
        Term::Arr(inside) => Term::Arr(inside.map(|inside| boxed(*inside))),
        Term::Obj(entries) => {
            let entry =
                |(key, value): (Text<'t>, Option<Text<'t>>)| (rewritten(key), value.map(rewritten));
            Term::Obj(entries.into_iter().map(entry).collect())
        }
        Term::Neg(inside) => Term::Neg(boxed(*inside)),
        Term::BinOp(left, op, right) => operation(boxed(*left), op, boxed(*right)),
        Term::Label(name, inside) => Term::Label(name, boxed(*inside)),
        Term::Fold(name, over, pattern, arguments) => Term::Fold(
            name,
            boxed(*over),
            rewritten_pattern(pattern),
            arguments.into_iter().map(rewritten).collect(),
        ),
        Term::TryCatch(tried, caught) => {
            Term::TryCatch(boxed(*tried), caught.map(|caught| boxed(*caught)))
        }
        Term::IfThenElse(branches, otherwise) => {
            let branch = |(condition, then)| (rewritten(condition), rewritten(then));
            Term::IfThenElse(
                branches.into_iter().map(branch).collect(),
                otherwise.map(|otherwise| boxed(*otherwise)),
            )
        }
        Term::Def(definitions, inside) => {
            let definition = |def: Def<&'t str>| Def {
                body: rewritten(def.body),
                ..def
            };
            Term::Def(
                definitions.into_iter().map(definition).collect(),
                boxed(*inside),
            )
        }
        Term::Call(name, arguments) => {
            Term::Call(name, arguments.into_iter().map(rewritten).collect())
        }
        Term::Path(base, Path(parts)) => {
            let part = |part| match part {
                Part::Index(index) => Part::Index(rewritten(index)),
                Part::Range(from, to) => Part::Range(from.map(rewritten), to.map(rewritten)),
            };
            let parts = parts
                .into_iter()
                .map(|(inner, optional)| (part(inner), optional));
            Term::Path(boxed(*base), Path(parts.collect()))
        }
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) => term,
    }
}

fn boxed(term: Text<'_>) -> Box<Text<'_>> {
    Box::new(rewritten(term))
}

fn rewritten_pattern(pattern: Pattern<&str>) -> Pattern<&str> {
    match pattern {
        Pattern::Var(_) => pattern,
        Pattern::Arr(parts) => Pattern::Arr(parts.into_iter().map(rewritten_pattern).collect()),
        Pattern::Obj(entries) => {
            let entry = |(key, value)| (rewritten(key), rewritten_pattern(value));
            Pattern::Obj(entries.into_iter().map(entry).collect())
        }
    }
}

fn operation<'t>(left: Box<Text<'t>>, op: BinaryOp<&'t str>, right: Box<Text<'t>>) -> Text<'t> {
    let name = match op {
        BinaryOp::Math(Math::Mul) => "_multiply",
        BinaryOp::Math(Math::Div) => "_divide",
        BinaryOp::Math(Math::Rem) => "_modulo",
        BinaryOp::Assign => "_assign",
        BinaryOp::Update => "_modify",
        BinaryOp::UpdateAlt => "_modify_default",
        BinaryOp::UpdateMath(Math::Add) => "_modify_add",
        BinaryOp::UpdateMath(Math::Sub) => "_modify_subtract",
        BinaryOp::UpdateMath(Math::Mul) => "_modify_multiply",
        BinaryOp::UpdateMath(Math::Div) => "_modify_divide",
        BinaryOp::UpdateMath(Math::Rem) => "_modify_modulo",
        BinaryOp::Pipe(pattern) => {
            let op = BinaryOp::Pipe(pattern.map(rewritten_pattern));
            return Term::BinOp(left, op, right);
        }
        op => return Term::BinOp(left, op, right),
    };
    Term::Call(name, vec![*left, *right])
}
