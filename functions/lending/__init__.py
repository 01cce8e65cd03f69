"""The loan book on PostgreSQL: customers, applications, loans, money, and what it tells others."""
