//! Lists, newest first: each filter alone is read from an index, several from the rarest one's.

use longshore_domain::delivery::{Delivery, State};
use longshore_domain::id::RunId;
use longshore_domain::run::{Documents, Run, Source};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::cells::Cells;
use super::read::{snapshot, unreadable};
use super::row;
use crate::{DeliveryFilter, Error, Page, RunFilter};

/// How many items one page has at most.
const PAGE_LIMIT: u32 = 1_000;
/// After how many bytes of text a page ends early.
const PAGE_BYTES_LIMIT: usize = 8 * 1024 * 1024;
/// Up to where entries of an index are counted when the rarest is looked for.
const COUNT_LIMIT: i64 = 10_000;

/// One filter: an item must meet one of the conditions; the index finds those that meet each,
/// newest first. `?` stands for the value.
struct Term {
    index: Option<&'static str>,
    any_of: Vec<&'static str>,
    value: Option<Value>,
}

impl Term {
    fn text(index: &'static str, condition: &'static str, value: &str) -> Self {
        let value = Some(Value::Text(value.to_owned()));
        Self {
            index: Some(index),
            any_of: vec![condition],
            value,
        }
    }

    fn fixed(index: &'static str, condition: &'static str) -> Self {
        Self {
            index: Some(index),
            any_of: vec![condition],
            value: None,
        }
    }

    fn unindexed(condition: &'static str, value: Option<Value>) -> Self {
        Self {
            index: None,
            any_of: vec![condition],
            value,
        }
    }
}

fn run_terms(filter: &RunFilter) -> Vec<Term> {
    let mut terms = Vec::new();
    let mut text = |index, condition, value: &Option<String>| {
        terms.extend(
            value
                .as_ref()
                .map(|value| Term::text(index, condition, value)),
        );
    };
    text(
        "run_external",
        "run.external_run_id = ?",
        &filter.external_run_id,
    );
    text("run_entity", "run.entity = ?", &filter.entity);
    text("run_blueprint", "run.blueprint = ?", &filter.blueprint);
    text("run_action", "run.action = ?", &filter.action);
    text("run_created_by", "run.created_by = ?", &filter.created_by);
    terms.extend(filter.active.map(|active| match active {
        true => Term::fixed("run_activity", "(run.ended_at IS NULL) = 1"),
        false => Term::fixed("run_activity", "(run.ended_at IS NULL) = 0"),
    }));
    let wanted = |source| filter.sources.contains(&source);
    let (ui, automation) = (
        "run.source <> 1 AND run.source = 0",
        "run.source <> 1 AND run.source = 2",
    );
    let rare = |any_of| Term {
        index: Some("run_source"),
        any_of,
        value: None,
    };
    terms.extend(
        match (
            wanted(Source::Ui),
            wanted(Source::Api),
            wanted(Source::Automation),
        ) {
            (false, false, false) | (true, true, true) => None,
            (true, false, false) => Some(rare(vec![ui])),
            (false, false, true) => Some(rare(vec![automation])),
            (true, false, true) => Some(rare(vec![ui, automation])),
            // What the API asks for is most of what there is: walking the table finds it soon.
            (false, true, false) => Some(Term::unindexed("run.source = 1", None)),
            (true, true, false) => Some(Term::unindexed("run.source IN (0, 1)", None)),
            (false, true, true) => Some(Term::unindexed("run.source IN (1, 2)", None)),
        },
    );
    terms
}

fn delivery_terms(filter: &DeliveryFilter) -> Vec<Term> {
    let mut terms = Vec::new();
    if let Some(run) = &filter.run {
        let condition = "delivery.run_key = (SELECT key FROM run WHERE id = ?)";
        terms.push(Term::unindexed(
            condition,
            Some(Value::Text(run.as_str().to_owned())),
        ));
    }
    if let Some(destination) = &filter.destination {
        terms.push(Term::text(
            "delivery_destination",
            "delivery.destination = ?",
            destination,
        ));
    }
    // A partial index is found only by the very words of its own condition.
    macro_rules! not_done {
        ($state:literal) => {
            Term::fixed(
                "delivery_not_done",
                concat!("delivery.state <> 4 AND delivery.state = ", $state),
            )
        };
    }
    terms.extend(filter.state.map(|state| match state {
        State::Due => not_done!(0),
        State::Owned => not_done!(1),
        State::Started => not_done!(2),
        State::Published => not_done!(3),
        // Most deliveries are done, so walking the table finds them soon.
        State::Done => Term::unindexed("delivery.state = 4", None),
        State::Unconfirmed => not_done!(5),
        State::Dead => not_done!(6),
        State::Cancelled => not_done!(7),
    }));
    terms
}

fn run_list(filter: &RunFilter) -> List {
    List {
        table: "run",
        key: "run.key",
        columns: format!("{}, {}", row::RUN, row::DOCUMENTS),
        joined: "LEFT JOIN run_document ON run_document.run_key = run.key",
        terms: run_terms(filter),
    }
}

fn delivery_list(filter: &DeliveryFilter) -> List {
    List {
        table: "delivery",
        key: "delivery.run_key",
        columns: format!("{}, run.id", row::DELIVERY),
        // The delivery leads: it has the order.
        joined: "CROSS JOIN run ON run.key = delivery.run_key",
        terms: delivery_terms(filter),
    }
}

/// A page of runs with their documents.
pub(super) fn runs(
    connection: &Connection,
    filter: &RunFilter,
) -> Result<Page<(Run, Documents)>, Error> {
    const DOCUMENTS_AT: usize = row::width(row::RUN);
    run_list(filter).page(connection, filter.from.as_deref(), filter.limit, |found| {
        let (key, run) = row::run(found, 0)?;
        Ok((run, row::documents(found, DOCUMENTS_AT, key)?))
    })
}

/// A page of deliveries.
pub(super) fn deliveries(
    connection: &Connection,
    filter: &DeliveryFilter,
) -> Result<Page<Delivery>, Error> {
    delivery_list(filter).page(connection, filter.from.as_deref(), filter.limit, |found| {
        let mut cells = Cells::new(found, "run", row::width(row::DELIVERY));
        let run = cells.id("id", RunId::parse)?;
        row::delivery(found, 0, run)
    })
}

/// A list whose first column is its key.
struct List {
    table: &'static str,
    key: &'static str,
    columns: String,
    joined: &'static str,
    terms: Vec<Term>,
}

impl List {
    fn page<T>(
        &self,
        connection: &Connection,
        from: Option<&str>,
        limit: u32,
        read: impl Fn(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Page<T>, Error> {
        let below = position(from)?;
        let limit = limit.min(PAGE_LIMIT) as usize;
        snapshot(connection, |connection| {
            let sql = self.sql(self.rarest(connection)?);
            let values = self.terms.iter().filter_map(|term| term.value.clone());
            let params = [Value::Integer(below)].into_iter().chain(values);
            let mut statement = connection.prepare_cached(&sql).map_err(unreadable)?;
            let mut rows = statement
                .query(params_from_iter(params))
                .map_err(unreadable)?;
            let (mut items, mut bytes, mut last, mut next) = (Vec::new(), 0, None, None);
            while let Some(found) = rows.next().map_err(unreadable)? {
                if items.len() >= limit || (bytes > PAGE_BYTES_LIMIT && !items.is_empty()) {
                    next = last;
                    break;
                }
                bytes += size(found);
                last = Some(found.get::<_, i64>(0).map_err(unreadable)?);
                items.push(read(found)?);
            }
            Ok(Page {
                items,
                next: next.map(|key| format!("{key:x}")),
            })
        })
    }

    /// The term whose index has the fewest entries, as far as counting is cheap.
    fn rarest(&self, connection: &Connection) -> Result<Option<usize>, Error> {
        let indexed: Vec<usize> = (0..self.terms.len())
            .filter(|at| self.terms[*at].index.is_some())
            .collect();
        let [first, _, ..] = indexed[..] else {
            return Ok(indexed.first().copied());
        };
        let mut rarest = (i64::MAX, first);
        for at in indexed {
            rarest = rarest.min((self.count(connection, &self.terms[at])?, at));
        }
        Ok(Some(rarest.1))
    }

    fn count(&self, connection: &Connection, term: &Term) -> Result<i64, Error> {
        let mut entries = 0;
        for condition in &term.any_of {
            let sql = format!(
                "SELECT count(*) FROM (SELECT 1 FROM {} INDEXED BY {} WHERE {} LIMIT {COUNT_LIMIT})",
                self.table,
                term.index.unwrap_or_default(),
                condition.replace('?', "?1"),
            );
            let mut statement = connection.prepare_cached(&sql).map_err(unreadable)?;
            let counted = statement.query_row(params_from_iter(term.value.iter()), |row| {
                row.get::<_, i64>(0)
            });
            entries += counted.map_err(unreadable)?.min(COUNT_LIMIT);
        }
        Ok(entries)
    }

    /// Each condition of the driving term is one arm; the arms are merged as they are read.
    fn sql(&self, driver: Option<usize>) -> String {
        let Self {
            table,
            key,
            columns,
            joined,
            terms,
        } = self;
        let indexed_by = match driver.and_then(|at| terms[at].index) {
            Some(index) => format!("INDEXED BY {index}"),
            None => String::new(),
        };
        let filters = self.filters(driver);
        let arms: Vec<String> = match driver {
            Some(at) => terms[at]
                .any_of
                .iter()
                .map(|condition| self.numbered(at, condition))
                .collect(),
            None => vec!["1".to_owned()],
        };
        let arms = arms.iter().map(|arm| {
            format!(
                "SELECT {columns} FROM {table} {indexed_by} {joined} \
                 WHERE {arm}{filters} AND {key} < ?1"
            )
        });
        format!(
            "{} ORDER BY 1 DESC",
            arms.collect::<Vec<_>>().join(" UNION ALL ")
        )
    }

    fn filters(&self, driver: Option<usize>) -> String {
        let mut sql = String::new();
        for (at, term) in self.terms.iter().enumerate() {
            if Some(at) != driver {
                let any_of: Vec<String> = term
                    .any_of
                    .iter()
                    .map(|condition| self.numbered(at, condition))
                    .collect();
                sql.push_str(&format!(" AND ({})", any_of.join(" OR ")));
            }
        }
        sql
    }

    /// The term's value is the next parameter after the position and the values before it.
    fn numbered(&self, at: usize, condition: &str) -> String {
        let before = self.terms[..at]
            .iter()
            .filter(|term| term.value.is_some())
            .count();
        condition.replace('?', &format!("?{}", before + 2))
    }
}

/// Where a page starts: below this key.
fn position(from: Option<&str>) -> Result<i64, Error> {
    let Some(from) = from else {
        return Ok(i64::MAX);
    };
    i64::from_str_radix(from, 16)
        .ok()
        .filter(|key| *key > 0)
        .ok_or(Error::NotFound("page"))
}

fn size(row: &Row<'_>) -> usize {
    let statement: &rusqlite::Statement<'_> = row.as_ref();
    (0..statement.column_count())
        .filter_map(|column| match row.get_ref(column) {
            Ok(rusqlite::types::ValueRef::Text(text)) => Some(text.len()),
            _ => None,
        })
        .sum()
}

#[cfg(test)]
mod tests;
