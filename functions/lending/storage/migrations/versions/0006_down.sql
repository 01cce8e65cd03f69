DROP TABLE book_alerts, book_checks;
