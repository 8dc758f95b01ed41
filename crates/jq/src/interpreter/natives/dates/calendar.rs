//! The proleptic Gregorian calendar.

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

const DAY_SECONDS: i64 = 86_400;
/// Days from 1 March of year 0 to 1 January 1970.
const EPOCH_DAYS: i64 = 719_468;
/// Seconds beyond make years of more than 32 bits.
const MAX_SECONDS: f64 = 6.7e16;

/// A second of UTC, broken down. Month, weekday and day of the year count from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) year: i64,
    pub(super) month: i32,
    pub(super) day: i32,
    pub(super) hour: i32,
    pub(super) minute: i32,
    pub(super) second: i32,
    pub(super) weekday: i32,
    pub(super) year_day: i32,
}

impl Moment {
    pub(super) fn from_seconds(seconds: f64) -> Option<Self> {
        if seconds.is_nan() || seconds.abs() > MAX_SECONDS {
            return None;
        }
        let seconds = seconds as i64;
        let days = seconds.div_euclid(DAY_SECONDS);
        let of_day = i32::try_from(seconds.rem_euclid(DAY_SECONDS)).ok()?;
        // the calendar repeats after 400 years of 146097 days
        let shifted = days + EPOCH_DAYS;
        let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        // months from March on have 153 days in five
        let month = (5 * day + 2) / 153;
        let month_day = day - (153 * month + 2) / 5 + 1;
        let (month, next) = if month < 10 {
            (month + 2, 0)
        } else {
            (month - 10, 1)
        };
        let mut moment = Self {
            year: era * 400 + year + next,
            month: i32::try_from(month).ok()?,
            day: i32::try_from(month_day).ok()?,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            ..Self::default()
        };
        moment.set_weekday();
        moment.set_year_day();
        Some(moment)
    }

    /// Year, month, day, hour, minute and second, each of which may overflow into the next.
    pub(super) fn from_parts(parts: &[i32]) -> Option<Self> {
        let &[year, month, day, hour, minute, second, ..] = parts else {
            return None;
        };
        let written = Self {
            year: i64::from(year),
            month,
            day,
            hour,
            minute,
            second,
            ..Self::default()
        };
        Self::from_seconds(written.seconds() as f64)
    }

    /// Seconds since 1970.
    pub(super) fn seconds(&self) -> i64 {
        let of_day = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60;
        self.days() * DAY_SECONDS + of_day + i64::from(self.second)
    }

    /// Days since 1970.
    fn days(&self) -> i64 {
        let year = self.year + i64::from(self.month.div_euclid(12));
        let month = i64::from(self.month.rem_euclid(12));
        let (year, month) = if month < 2 {
            (year - 1, month + 10)
        } else {
            (year, month - 2)
        };
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let day = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day - EPOCH_DAYS
    }

    pub(super) fn set_weekday(&mut self) {
        // 1 January 1970 was a Thursday
        self.weekday = i32::try_from((self.days() + 4).rem_euclid(7)).unwrap_or_default();
    }

    pub(super) fn set_year_day(&mut self) {
        let first = Self {
            year: self.year,
            day: 1,
            ..Self::default()
        };
        self.year_day = i32::try_from(self.days() - first.days()).unwrap_or_default();
    }

    /// Sets month and day from the day of the year.
    pub(super) fn set_date_of_year_day(&mut self) {
        let day = Self {
            year: self.year,
            day: self.year_day + 1,
            ..Self::default()
        };
        if let Some(date) = Self::from_seconds(day.seconds() as f64) {
            (self.month, self.day) = (date.month, date.day);
        }
    }

    /// The week of the year, where the first one starts with the first `weekday`.
    pub(super) fn week_from(&self, weekday: i32) -> i32 {
        (self.year_day + 7 - (self.weekday - weekday).rem_euclid(7)) / 7
    }

    /// Year and week of ISO 8601, whose first week has the year's first Thursday.
    pub(super) fn iso_week(&self) -> (i64, i32) {
        let mut thursday = *self;
        thursday.day += 3 - (self.weekday + 6).rem_euclid(7);
        let thursday = Self::from_seconds(thursday.seconds() as f64).unwrap_or(*self);
        (thursday.year, thursday.year_day / 7 + 1)
    }
}

/// A number without its fraction, where it fits.
pub(super) fn integer(number: f64) -> Option<i32> {
    let whole = number.trunc();
    (f64::from(i32::MIN)..=f64::from(i32::MAX))
        .contains(&whole)
        .then_some(whole as i32)
}
