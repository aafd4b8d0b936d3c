"""SQL that several adapters share: tables, engine, tenancy, errors, roles, migrations."""
