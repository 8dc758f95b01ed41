//! Comparisons. Nodes are equal to something where one of them is.

use std::collections::HashSet;

use super::super::XPathError;
use super::super::functions::plain_number;
use super::super::syntax::Operator;
use super::super::value::{Value, number};
use super::Evaluation;
use crate::xml::NodeId;

impl Evaluation<'_> {
    pub(super) fn compare(
        &self,
        operator: Operator,
        left: &Value,
        right: &Value,
    ) -> Result<bool, XPathError> {
        match (left, right) {
            (Value::Nodes(left), Value::Nodes(right)) => self.compare_nodes(operator, left, right),
            (Value::Nodes(nodes), other) => self.compare_with(operator, nodes, other),
            (other, Value::Nodes(nodes)) => self.compare_with(turned(operator), nodes, other),
            (left, right) => Ok(compare_plain(operator, left, right)),
        }
    }

    fn texts(&self, nodes: &[NodeId]) -> Result<Vec<String>, XPathError> {
        nodes.iter().map(|node| self.text_of(*node)).collect()
    }

    fn compare_nodes(
        &self,
        operator: Operator,
        left: &[NodeId],
        right: &[NodeId],
    ) -> Result<bool, XPathError> {
        let (left, right) = (self.texts(left)?, self.texts(right)?);
        match operator {
            Operator::Equal => {
                let known: HashSet<_> = right.iter().collect();
                Ok(left.iter().any(|text| known.contains(text)))
            }
            // All are the same only where there is one text in all.
            Operator::Unequal => {
                let distinct: HashSet<_> = left.iter().chain(&right).collect();
                Ok(!left.is_empty() && !right.is_empty() && distinct.len() > 1)
            }
            _ => {
                let (left, right) = (span(&left), span(&right));
                Ok(match (left, right, operator) {
                    (Some((low, _)), Some((_, high)), Operator::Less) => low < high,
                    (Some((low, _)), Some((_, high)), Operator::AtMost) => low <= high,
                    (Some((_, high)), Some((low, _)), Operator::Greater) => high > low,
                    (Some((_, high)), Some((low, _)), Operator::AtLeast) => high >= low,
                    _ => false,
                })
            }
        }
    }

    fn compare_with(
        &self,
        operator: Operator,
        nodes: &[NodeId],
        other: &Value,
    ) -> Result<bool, XPathError> {
        if matches!(other, Value::Boolean(_)) {
            let any = Value::Boolean(!nodes.is_empty());
            return Ok(compare_plain(operator, &any, other));
        }
        for node in nodes {
            let text = Value::Text(self.text_of(*node)?);
            if compare_plain(operator, &text, other) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The least and the greatest number; nothing where there is none.
fn span(texts: &[String]) -> Option<(f64, f64)> {
    let mut numbers = texts
        .iter()
        .map(|text| number(text))
        .filter(|value| !value.is_nan());
    let first = numbers.next()?;
    Some(numbers.fold((first, first), |(low, high), value| {
        (low.min(value), high.max(value))
    }))
}

/// The operator that means the same with the sides exchanged.
fn turned(operator: Operator) -> Operator {
    match operator {
        Operator::Less => Operator::Greater,
        Operator::AtMost => Operator::AtLeast,
        Operator::Greater => Operator::Less,
        Operator::AtLeast => Operator::AtMost,
        other => other,
    }
}

fn compare_plain(operator: Operator, left: &Value, right: &Value) -> bool {
    let numbers = || (plain_number(left), plain_number(right));
    let equal = || match (left, right) {
        (Value::Text(left), Value::Text(right)) => left == right,
        (Value::Boolean(_), _) | (_, Value::Boolean(_)) => left.boolean() == right.boolean(),
        _ => {
            let (left, right) = numbers();
            left == right
        }
    };
    let ordered = |holds: fn(&f64, &f64) -> bool| {
        let (left, right) = numbers();
        holds(&left, &right)
    };
    match operator {
        Operator::Unequal => !equal(),
        Operator::Less => ordered(f64::lt),
        Operator::AtMost => ordered(f64::le),
        Operator::Greater => ordered(f64::gt),
        Operator::AtLeast => ordered(f64::ge),
        _ => equal(),
    }
}
