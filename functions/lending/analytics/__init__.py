"""Analytics: month-end snapshots, figures of the book, and the loans that sum to each of them."""
