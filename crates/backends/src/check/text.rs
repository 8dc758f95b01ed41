//! A report for terminals: one block, what to change below what was found.

use std::fmt;

use super::{Finding, Report, Step, Verdict};

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "name",
            Self::Address => "address",
            Self::Proxy => "proxy",
            Self::Connection => "connection",
            Self::Tls => "TLS",
            Self::Certificate => "certificate",
            Self::ClientCertificate => "client certificate",
            Self::Receiver => "receiver",
            Self::Sender => "sender",
            Self::Signature => "signature",
            Self::Webhook => "webhook",
            Self::DryRun => "dry run",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Unknown => "?",
            Self::Warning => "warning",
            Self::Failed => "FAILED",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verdict, step) = (self.verdict.to_string(), self.step.to_string());
        write!(f, "{verdict:<8}{step:<20}{}", self.message)?;
        if let Some(code) = self.code {
            write!(f, " [{code}]")?;
        }
        if let Some(fix) = &self.fix {
            write!(f, "\n{:<28}→ {fix}", "")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.url)?;
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        for job in &self.jobs {
            let would = if job.triggered {
                "would start"
            } else {
                "would not start"
            };
            writeln!(f, "job \"{}\" {would}", job.name)?;
            if !job.triggered && !job.filter_expression.is_empty() {
                writeln!(
                    f,
                    "  filter \"{}\" in \"{}\"",
                    job.filter_expression, job.filter_text
                )?;
            }
            for (name, value) in &job.variables {
                writeln!(f, "  {name} = {value}")?;
            }
        }
        Ok(())
    }
}
