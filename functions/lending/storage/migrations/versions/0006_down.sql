DROP INDEX applications_by_day;
DROP TABLE book_alerts, book_checks;
