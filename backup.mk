# Backups by make. Include it from a project's Makefile: it finds the program beside itself, and the settings in the
# environment or in the file .env of the folder that make runs in. (make cannot include a path with spaces.)
DB_BACKUP := node $(dir $(lastword $(MAKEFILE_LIST)))dist/cli.js
DB_BACKUP_GOAL := $(.DEFAULT_GOAL)

.PHONY: backup-db backup-db-mongo backup-db-postgres backup-list

backup-db: ## Back up every configured database
	@$(DB_BACKUP) backup

backup-db-mongo: ## Back up the MongoDB databases only
	@$(DB_BACKUP) backup --only mongo

backup-db-postgres: ## Back up the PostgreSQL databases only
	@$(DB_BACKUP) backup --only postgres

backup-list: ## List the backups
	@$(DB_BACKUP) list

# Whoever includes this keeps his own default goal.
.DEFAULT_GOAL := $(DB_BACKUP_GOAL)
