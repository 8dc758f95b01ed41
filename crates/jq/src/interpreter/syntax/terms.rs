//! Makes terms for the interpreter that mean what jq means, where its own terms mean another thing:
//! the order of several outputs, what is assigned, and what a fold keeps.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::ops::{Cmp, Math};
use jaq_core::path::{Opt, Part, Path};

pub(super) type Text<'s> = Term<&'s str>;
pub(super) type TextPattern<'s> = Pattern<&'s str>;

// a name with a space cannot be written, so these hide nobody's
const LEFT: &str = "$ left";
const RIGHT: &str = "$ right";
const KEY: &str = "$ key";
const START: &str = "$ start";
const END: &str = "$ end";
const INPUT: &str = "$ input";
const STATE: &str = "$ state";
const BODY: &str = " body";

pub(super) fn call<'s>(name: &'s str, arguments: Vec<Text<'s>>) -> Text<'s> {
    Term::Call(name, arguments)
}

/// A call; where jq takes the last argument's outputs first, the others are bound before.
pub(super) fn function<'s>(name: &'s str, mut arguments: Vec<Text<'s>>) -> Text<'s> {
    if !LAST_ARGUMENT_FIRST.contains(&name) || arguments.len() > ARGUMENTS.len() {
        return call(name, arguments);
    }
    let mut bound = Vec::new();
    for (argument, name) in arguments.iter_mut().zip(ARGUMENTS).skip(1) {
        if !is_constant(argument) {
            bound.push((std::mem::replace(argument, Term::Var(name)), name));
        }
    }
    let call = call(name, arguments);
    bound
        .into_iter()
        .fold(call, |body, (argument, name)| bind(argument, name, body))
}

const ARGUMENTS: [&str; 3] = ["$ first", "$ second", "$ third"];
const LAST_ARGUMENT_FIRST: [&str; 17] = [
    "atan2",
    "copysign",
    "drem",
    "fdim",
    "fma",
    "fmax",
    "fmin",
    "fmod",
    "hypot",
    "jn",
    "ldexp",
    "nextafter",
    "pow",
    "remainder",
    "scalb",
    "setpath",
    "yn",
];

pub(super) fn string(text: &str) -> Text<'_> {
    Term::Str(None, vec![StrPart::Str(text)])
}

/// What a string says that is nothing but what is written in it, without escapes.
pub(crate) fn written<'s>(term: &Text<'s>) -> Option<&'s str> {
    match term {
        Term::Str(None, parts) => match parts.as_slice() {
            [] => Some(""),
            [StrPart::Str(text)] => Some(text),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn pipe<'s>(left: Text<'s>, right: Text<'s>) -> Text<'s> {
    binary(left, BinaryOp::Pipe(None), right)
}

/// The member that an empty object does not have; `null` may be a function of the program.
fn null<'s>() -> Text<'s> {
    extended(Term::Obj(Vec::new()), Part::Index(string("")))
}

fn bind<'s>(value: Text<'s>, name: &'s str, body: Text<'s>) -> Text<'s> {
    bind_pattern(value, Pattern::Var(name), body)
}

fn bind_pattern<'s>(value: Text<'s>, pattern: TextPattern<'s>, body: Text<'s>) -> Text<'s> {
    binary(value, BinaryOp::Pipe(Some(pattern)), body)
}

pub(super) fn binary<'s>(left: Text<'s>, op: BinaryOp<&'s str>, right: Text<'s>) -> Text<'s> {
    Term::BinOp(Box::new(left), op, Box::new(right))
}

/// Has one output and never fails, so that it does not matter when it is evaluated.
fn is_constant(term: &Text<'_>) -> bool {
    match term {
        Term::Id | Term::Num(_) | Term::Var(_) => true,
        Term::Str(None, parts) => parts.iter().all(|part| !matches!(part, StrPart::Term(_))),
        _ => false,
    }
}

/// Has one output where it does not fail.
fn is_single(term: &Text<'_>) -> bool {
    match term {
        Term::Arr(_) => true,
        Term::Str(None, parts) => parts.iter().all(|part| match part {
            StrPart::Term(term) => is_single(term),
            _ => true,
        }),
        Term::Obj(entries) => entries
            .iter()
            .all(|(key, value)| is_single(key) && value.as_ref().is_none_or(is_single)),
        Term::Neg(inner) => is_single(inner),
        Term::BinOp(left, op, right) => {
            let kept = !matches!(op, BinaryOp::Comma | BinaryOp::Alt);
            kept && is_single(left) && is_single(right)
        }
        Term::IfThenElse(branches, otherwise) => {
            otherwise.as_deref().is_none_or(is_single)
                && branches
                    .iter()
                    .all(|(condition, then)| is_single(condition) && is_single(then))
        }
        Term::Call(name, arguments) => SINGLE_CALLS.contains(name) && arguments.is_empty(),
        Term::Path(base, Path(parts)) => {
            is_single(base)
                && parts.iter().all(|(part, optional)| {
                    let part = match part {
                        Part::Index(key) => is_single(key),
                        Part::Range(None, None) => false,
                        Part::Range(from, to) => [from, to].into_iter().flatten().all(is_single),
                    };
                    part && matches!(optional, Opt::Essential)
                })
        }
        other => is_constant(other),
    }
}

const SINGLE_CALLS: [&str; 10] = [
    "add", "keys", "length", "not", "null", "sort", "tojson", "tonumber", "tostring", "type",
];

/// An operation on both sides' outputs; jq takes the right side's first.
fn operation<'s>(left: Text<'s>, op: BinaryOp<&'s str>, right: Text<'s>) -> Text<'s> {
    if is_constant(&left) || is_constant(&right) {
        return binary(left, op, right);
    }
    bind(right, RIGHT, binary(left, op, Term::Var(RIGHT)))
}

pub(super) fn arithmetic<'s>(left: Text<'s>, op: Math, right: Text<'s>) -> Text<'s> {
    operation(left, BinaryOp::Math(op), right)
}

pub(super) fn comparison<'s>(left: Text<'s>, op: Cmp, right: Text<'s>) -> Text<'s> {
    operation(left, BinaryOp::Cmp(op), right)
}

/// `left // right`. As a path, the interpreter's own term has the paths of false outputs too.
pub(super) fn alternative<'s>(left: Text<'s>, right: Text<'s>) -> Text<'s> {
    if is_single(&left) {
        return binary(left, BinaryOp::Alt, right);
    }
    call("_alternative", vec![left, right])
}

pub(super) fn negation(inner: Text<'_>) -> Text<'_> {
    Term::Neg(Box::new(inner))
}

/// `paths = value`
pub(super) fn assignment<'s>(paths: Text<'s>, value: Text<'s>) -> Text<'s> {
    call("_assign", vec![paths, value])
}

/// `paths |= update`
pub(super) fn update<'s>(paths: Text<'s>, update: Text<'s>) -> Text<'s> {
    call("_modify", vec![paths, update])
}

/// `paths += value` and its kin: one output per output of `value`.
pub(super) fn compound<'s>(
    paths: Text<'s>,
    value: Text<'s>,
    make: impl Fn(Text<'s>, Text<'s>) -> Text<'s>,
) -> Text<'s> {
    let made = make(Term::Id, Term::Var(RIGHT));
    bind(value, RIGHT, update(paths, made))
}

/// Whether `value as pattern | body` is how `paths += value` and its kin are written here.
pub(crate) fn is_compound(pattern: &TextPattern<'_>, body: &Text<'_>) -> bool {
    matches!(pattern, Pattern::Var(RIGHT)) && matches!(body, Term::Call("_modify", _))
}

/// One more index behind `base`; jq evaluates it before what it is an index of.
pub(super) fn indexed<'s>(base: Text<'s>, part: Part<Text<'s>>) -> Text<'s> {
    let movable = |key: &Text<'s>| !is_constant(key) && !matches!(base, Term::Id);
    match part {
        Part::Index(key) if movable(&key) => {
            let part = Part::Index(Term::Var(KEY));
            bind(key, KEY, extended(base, part))
        }
        Part::Range(from, to) if from.iter().chain(&to).any(movable) => {
            let names = |side: &Option<Text<'s>>, name| side.is_some().then_some(Term::Var(name));
            let part = Part::Range(names(&from, START), names(&to, END));
            let mut term = extended(base, part);
            if let Some(to) = to {
                term = bind(to, END, term);
            }
            match from {
                Some(from) => bind(from, START, term),
                None => term,
            }
        }
        part => extended(base, part),
    }
}

fn extended<'s>(base: Text<'s>, part: Part<Text<'s>>) -> Text<'s> {
    let part = (part, Opt::Essential);
    match base {
        Term::Path(base, Path(mut parts)) => {
            parts.push(part);
            Term::Path(base, Path(parts))
        }
        base => Term::Path(Box::new(base), Path(vec![part])),
    }
}

/// `term?`: hides the mistakes of the last index, or of a term that is none.
pub(super) fn optional(term: Text<'_>, is_index: bool) -> Text<'_> {
    match term {
        term if !is_index => Term::TryCatch(Box::new(term), None),
        Term::Path(base, Path(mut parts)) => {
            if let Some((_, optional)) = parts.last_mut() {
                *optional = Opt::Optional;
            }
            Term::Path(base, Path(parts))
        }
        Term::BinOp(value, BinaryOp::Pipe(Some(Pattern::Var(name))), body)
            if [KEY, START, END].contains(&name) =>
        {
            bind(*value, name, optional(*body, is_index))
        }
        term => Term::TryCatch(Box::new(term), None),
    }
}

/// A string with values in it, each through `format`; jq takes the last one's outputs first.
pub(super) fn interpolation<'s>(
    format: Option<&Text<'s>>,
    parts: Vec<StrPart<&'s str, Text<'s>>>,
) -> Text<'s> {
    let single = |part: &StrPart<&'s str, Text<'s>>| match part {
        StrPart::Term(term) => is_single(term),
        _ => true,
    };
    if format.is_none() && parts.iter().all(single) {
        return Term::Str(None, parts);
    }
    let formatted = |term| match format {
        Some(format) => pipe(term, format.clone()),
        None => Term::Str(None, vec![StrPart::Term(term)]),
    };
    let mut text = string("");
    for part in parts {
        text = match part {
            StrPart::Term(term) => arithmetic(text, Math::Add, formatted(term)),
            part => binary(text, BinaryOp::Math(Math::Add), Term::Str(None, vec![part])),
        };
    }
    text
}

/// An object; one that grows entry by entry is not copied for each.
///
/// The interpreter forgets a mistake on the left of what has no output, so there the left comes first.
pub(super) fn object<'s>(entries: Vec<(Text<'s>, Text<'s>)>) -> Text<'s> {
    let entry = |(key, value)| {
        if is_constant(&key) || is_single(&value) {
            return Term::Obj(vec![(key, Some(value))]);
        }
        let entry = Term::Obj(vec![(Term::Var(KEY), Some(value))]);
        bind(key, KEY, entry)
    };
    let sum = |left, right: Text<'s>| {
        if is_single(&right) {
            return binary(left, BinaryOp::Math(Math::Add), right);
        }
        let sum = binary(Term::Var(LEFT), BinaryOp::Math(Math::Add), right);
        bind(left, LEFT, sum)
    };
    let whole = entries.into_iter().map(entry).reduce(sum);
    whole.unwrap_or_else(|| Term::Obj(Vec::new()))
}

/// An entry that is written as its key alone: the member of that name.
pub(super) fn member_entry(key: Text<'_>) -> (Text<'_>, Text<'_>) {
    let value = extended(Term::Id, Part::Index(key.clone()));
    (key, value)
}

/// `value as pattern ?// pattern… | body`: the next pattern where one, or the body with it, fails.
pub(super) fn destructuring<'s>(
    value: Text<'s>,
    mut patterns: Vec<TextPattern<'s>>,
    body: Text<'s>,
) -> Text<'s> {
    if patterns.len() == 1
        && let Some(pattern) = patterns.pop()
    {
        return bind_pattern(value, pattern, body);
    }
    let mut names = Vec::new();
    for pattern in &patterns {
        variables(pattern, &mut names);
    }
    let alternatives = patterns.into_iter().map(|pattern| {
        let mut bound = Vec::new();
        variables(&pattern, &mut bound);
        let argument = |name: &&'s str| match bound.contains(name) {
            true => Term::Var(*name),
            false => null(),
        };
        let body = call(BODY, names.iter().map(argument).collect());
        pipe(
            Term::Var(INPUT),
            bind_pattern(Term::Var(STATE), pattern, body),
        )
    });
    let tried = alternatives
        .rev()
        .reduce(|later, sooner| Term::TryCatch(Box::new(sooner), Some(Box::new(later))));
    let definition = Def {
        name: BODY,
        args: names,
        body,
    };
    let tried = bind(
        value,
        STATE,
        bind(Term::Id, INPUT, tried.unwrap_or_default()),
    );
    Term::Def(vec![definition], Box::new(tried))
}

fn variables<'s>(pattern: &TextPattern<'s>, names: &mut Vec<&'s str>) {
    match pattern {
        Pattern::Var(name) if names.contains(name) => {}
        Pattern::Var(name) => names.push(name),
        Pattern::Arr(patterns) => patterns
            .iter()
            .for_each(|pattern| variables(pattern, names)),
        Pattern::Obj(entries) => entries
            .iter()
            .for_each(|(_, pattern)| variables(pattern, names)),
    }
}

/// The pattern of a fold, and its body around what several alternatives need.
fn fold_pattern<'s>(
    mut patterns: Vec<TextPattern<'s>>,
    bodies: Vec<Text<'s>>,
) -> (TextPattern<'s>, Vec<Text<'s>>) {
    if patterns.len() == 1
        && let Some(pattern) = patterns.pop()
    {
        return (pattern, bodies);
    }
    let bodies = bodies
        .into_iter()
        .map(|body| destructuring(Term::Var(RIGHT), patterns.clone(), body));
    let bodies = bodies.collect();
    (Pattern::Var(RIGHT), bodies)
}

/// `reduce source as pattern (init; update)`: of several outputs of `update` the last one counts.
pub(super) fn reduce<'s>(
    source: Text<'s>,
    patterns: Vec<TextPattern<'s>>,
    init: Text<'s>,
    update: Text<'s>,
) -> Text<'s> {
    let update = if is_single(&update) {
        update
    } else {
        call("_last", vec![update])
    };
    let (pattern, bodies) = fold_pattern(patterns, vec![update]);
    let arguments = [init].into_iter().chain(bodies).collect();
    Term::Fold("reduce", Box::new(source), pattern, arguments)
}

/// `foreach source as pattern (init; update; extract)`: every output of `update` is shown, and the
/// last one, or null, is where the next one starts.
pub(super) fn foreach<'s>(
    source: Text<'s>,
    patterns: Vec<TextPattern<'s>>,
    init: Text<'s>,
    update: Text<'s>,
    extract: Option<Text<'s>>,
) -> Text<'s> {
    if is_single(&update) {
        let bodies = [update].into_iter().chain(extract).collect();
        let (pattern, bodies) = fold_pattern(patterns, bodies);
        let arguments = [init].into_iter().chain(bodies).collect();
        return Term::Fold("foreach", Box::new(source), pattern, arguments);
    }
    let each = extended(Term::Id, Part::Range(None, None));
    let last = extended(Term::Id, Part::Index(negation(Term::Num("1"))));
    let update = Term::Arr(Some(Box::new(pipe(last, update))));
    let extract = match extract {
        Some(extract) => pipe(each, extract),
        None => each,
    };
    let (pattern, bodies) = fold_pattern(patterns, vec![update, extract]);
    let init = Term::Arr(Some(Box::new(init)));
    let arguments = [init].into_iter().chain(bodies).collect();
    Term::Fold("foreach", Box::new(source), pattern, arguments)
}

/// A definition; `$name` is also a function `name`.
pub(super) fn definition<'s>(name: &'s str, args: Vec<&'s str>, body: Text<'s>) -> Def<&'s str> {
    let functions = args.iter().filter_map(|arg| {
        let name = arg.strip_prefix('$')?;
        Some(Def {
            name,
            args: Vec::new(),
            body: Term::Var(*arg),
        })
    });
    let functions: Vec<_> = functions.collect();
    let body = if functions.is_empty() {
        body
    } else {
        Term::Def(functions, Box::new(body))
    };
    Def { name, args, body }
}
