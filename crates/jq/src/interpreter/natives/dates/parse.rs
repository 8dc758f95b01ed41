//! `strptime` of C's locale: what glibc reads, and what it leaves of a date that is not complete.

use super::calendar::{MONTHS, Moment, WEEKDAYS};

/// What jq fills in for the weekday and the day of the year that nothing tells.
const UNKNOWN: (i32, i32) = (8, 367);

/// The moment that the start of `text` says, and the rest of it.
pub(super) fn parse<'t>(text: &'t str, format: &str) -> Option<(Moment, &'t str)> {
    let mut reader = Reader {
        rest: text,
        moment: Moment {
            year: 1900,
            weekday: UNKNOWN.0,
            year_day: UNKNOWN.1,
            ..Moment::default()
        },
        has: Has::default(),
        half: None,
        century: None,
        week: None,
    };
    reader.read(format)?;
    reader.complete();
    Some((reader.moment, reader.rest))
}

/// Which parts were read.
#[derive(Default)]
struct Has {
    date: bool,
    month: bool,
    day: bool,
    year_day: bool,
    weekday: bool,
    all: bool,
    two_digit_year: bool,
    twelve_hours: bool,
}

struct Reader<'t> {
    rest: &'t str,
    moment: Moment,
    has: Has,
    /// Whether it is afternoon.
    half: Option<bool>,
    century: Option<i64>,
    /// The week of the year, and the weekday that its weeks start with.
    week: Option<(i32, i32)>,
}

impl Reader<'_> {
    fn read(&mut self, format: &str) -> Option<()> {
        let mut letters = format.chars();
        while let Some(c) = letters.next() {
            if c.is_ascii_whitespace() {
                self.space();
            } else if c != '%' {
                self.rest = self.rest.strip_prefix(c)?;
            } else {
                let mut letter = letters.next()?;
                while "_-0^#EO".contains(letter) {
                    letter = letters.next()?;
                }
                self.field(letter)?;
            }
        }
        Some(())
    }

    fn space(&mut self) {
        self.rest = self
            .rest
            .trim_start_matches(|c: char| c.is_ascii_whitespace());
    }

    fn number(&mut self, least: i32, most: i32, digits: usize) -> Option<i32> {
        self.rest = self.rest.trim_start_matches(' ');
        let length = self
            .rest
            .bytes()
            .take(digits)
            .take_while(u8::is_ascii_digit);
        let (number, rest) = self.rest.split_at(length.count());
        let number = number.parse::<i32>().ok()?;
        self.rest = rest;
        (least..=most).contains(&number).then_some(number)
    }

    /// A name, or the three letters that it starts with.
    fn name(&mut self, names: &[&str]) -> Option<i32> {
        let place = names.iter().position(|name| {
            let starts = |name: &str| {
                let start = self.rest.get(..name.len())?;
                start.eq_ignore_ascii_case(name).then_some(name.len())
            };
            match starts(name).or_else(|| starts(&name[..3])) {
                Some(length) => {
                    self.rest = &self.rest[length..];
                    true
                }
                None => false,
            }
        })?;
        i32::try_from(place).ok()
    }

    fn field(&mut self, letter: char) -> Option<()> {
        match letter {
            'a' | 'A' => {
                self.moment.weekday = self.name(&WEEKDAYS)?;
                self.has.weekday = true;
            }
            'b' | 'B' | 'h' => {
                self.moment.month = self.name(&MONTHS)?;
                self.has.month = true;
                self.has.date = true;
            }
            'm' => {
                self.moment.month = self.number(1, 12, 2)? - 1;
                self.has.month = true;
                self.has.date = true;
            }
            'd' | 'e' => {
                self.moment.day = self.number(1, 31, 2)?;
                self.has.day = true;
                self.has.date = true;
            }
            'j' => {
                self.moment.year_day = self.number(1, 366, 3)? - 1;
                self.has.year_day = true;
            }
            'C' => {
                self.century = Some(i64::from(self.number(0, 99, 2)?));
                self.has.date = true;
            }
            'y' => {
                let year = self.number(0, 99, 2)?;
                let century = if year >= 69 { 1900 } else { 2000 };
                self.moment.year = i64::from(century + year);
                self.has.two_digit_year = true;
                self.has.date = true;
            }
            'Y' => {
                self.moment.year = i64::from(self.number(0, 9999, 4)?);
                self.century = None;
                self.has.two_digit_year = false;
                self.has.date = true;
            }
            'u' => {
                self.moment.weekday = self.number(1, 7, 1)? % 7;
                self.has.weekday = true;
            }
            'w' => {
                self.moment.weekday = self.number(0, 6, 1)?;
                self.has.weekday = true;
            }
            'U' => self.week = Some((self.number(0, 53, 2)?, 0)),
            'W' => self.week = Some((self.number(0, 53, 2)?, 1)),
            'g' | 'V' => drop(self.number(0, 99, 2)?),
            'G' => drop(self.number(0, 9999, 4)?),
            _ => return self.time(letter),
        }
        Some(())
    }

    fn time(&mut self, letter: char) -> Option<()> {
        match letter {
            'H' | 'k' => {
                self.moment.hour = self.number(0, 23, 2)?;
                self.has.twelve_hours = false;
            }
            'I' | 'l' => {
                self.moment.hour = self.number(1, 12, 2)? % 12;
                self.has.twelve_hours = true;
            }
            'M' => self.moment.minute = self.number(0, 59, 2)?,
            'S' => self.moment.second = self.number(0, 61, 2)?,
            'p' | 'P' => {
                let half = self.rest.get(..2)?;
                let afternoon = half.eq_ignore_ascii_case("PM");
                if !afternoon && !half.eq_ignore_ascii_case("AM") {
                    return None;
                }
                self.half = Some(afternoon);
                self.rest = &self.rest[2..];
            }
            's' => self.seconds()?,
            'z' => self.offset()?,
            'Z' => {
                self.space();
                self.rest = self
                    .rest
                    .trim_start_matches(|c: char| !c.is_ascii_whitespace());
            }
            'n' | 't' => self.space(),
            '%' => self.rest = self.rest.strip_prefix('%')?,
            'c' => self.read("%a %b %e %H:%M:%S %Y")?,
            'D' | 'x' => self.read("%m/%d/%y")?,
            'F' => self.read("%Y-%m-%d")?,
            'r' => self.read("%I:%M:%S %p")?,
            'R' => self.read("%H:%M")?,
            'T' | 'X' => self.read("%H:%M:%S")?,
            _ => return None,
        }
        Some(())
    }

    fn seconds(&mut self) -> Option<()> {
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let seconds = self.rest[..length].parse::<f64>().ok()?;
        self.moment = Moment::from_seconds(seconds)?;
        self.has.all = true;
        self.rest = &self.rest[length..];
        Some(())
    }

    /// `Z`, `+hh`, `+hhmm` or `+hh:mm`: read, and of no effect.
    fn offset(&mut self) -> Option<()> {
        self.rest = self.rest.trim_start_matches(' ');
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Some(());
        }
        self.rest = self.rest.strip_prefix(['+', '-'])?;
        let mut digits = String::new();
        while digits.len() < 4 {
            let rest = match digits.len() {
                2 => self.rest.strip_prefix(':').unwrap_or(self.rest),
                _ => self.rest,
            };
            match rest.bytes().next() {
                Some(digit) if digit.is_ascii_digit() => digits.push(char::from(digit)),
                _ => break,
            }
            self.rest = &rest[1..];
        }
        let minutes = digits.get(2..4).unwrap_or("0").parse::<u32>().ok()?;
        (matches!(digits.len(), 2 | 4) && minutes < 60).then_some(())
    }

    /// What follows from what was read.
    fn complete(&mut self) {
        if let (true, Some(afternoon)) = (self.has.twelve_hours, self.half)
            && afternoon
        {
            self.moment.hour += 12;
        }
        if let Some(century) = self.century {
            let year = if self.has.two_digit_year {
                self.moment.year.rem_euclid(100)
            } else {
                0
            };
            self.moment.year = century * 100 + year;
        }
        if self.has.all || !self.has.date {
            return;
        }
        if self.has.year_day && !(self.has.month && self.has.day) {
            let (month, day) = (self.moment.month, self.moment.day);
            self.moment.set_date_of_year_day();
            if self.has.month {
                self.moment.month = month;
            }
            if self.has.day {
                self.moment.day = day;
            }
        }
        if !self.has.weekday {
            self.moment.set_weekday();
        }
        if !self.has.year_day {
            self.moment.set_year_day();
        }
        if let (Some((week, start)), true) = (self.week, self.has.weekday) {
            self.set_week(week, start);
        }
    }

    /// The date of a weekday in a week of the year, where no month and day say it.
    fn set_week(&mut self, week: i32, start: i32) {
        if self.has.month && self.has.day {
            return;
        }
        let mut first = Moment {
            year: self.moment.year,
            day: 1,
            ..Moment::default()
        };
        first.set_weekday();
        let lead = (7 - (first.weekday - start)).rem_euclid(7);
        let day = (self.moment.weekday - start).rem_euclid(7);
        self.moment.year_day = lead + (week - 1) * 7 + day;
        self.moment.set_date_of_year_day();
    }
}
