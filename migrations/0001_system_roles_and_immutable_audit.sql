INSERT INTO `roles` (`name`, `description`, `is_system`, `created_at`, `updated_at`) VALUES
	('user', 'One''s own account only.', 1, 1795132800000, 1795132800000),
	('moderator', 'Sees and changes users, sees and ends their sessions.', 1, 1795132800000, 1795132800000),
	('admin', 'Everything.', 1, 1795132800000, 1795132800000);
--> statement-breakpoint
INSERT INTO `role_permissions` (`role`, `permission`) VALUES
	('moderator', 'users:read'),
	('moderator', 'users:update'),
	('moderator', 'sessions:read'),
	('moderator', 'sessions:revoke'),
	('admin', 'users:read'),
	('admin', 'users:create'),
	('admin', 'users:update'),
	('admin', 'users:delete'),
	('admin', 'users:erase'),
	('admin', 'users:export'),
	('admin', 'sessions:read'),
	('admin', 'sessions:revoke'),
	('admin', 'roles:read'),
	('admin', 'roles:write'),
	('admin', 'roles:assign'),
	('admin', 'api_keys:read'),
	('admin', 'api_keys:write'),
	('admin', 'audit:read'),
	('admin', 'metrics:read');
--> statement-breakpoint
CREATE TRIGGER `audit_events_no_update` BEFORE UPDATE ON `audit_events`
BEGIN
	SELECT RAISE(ABORT, 'audit events are immutable');
END;
--> statement-breakpoint
CREATE TRIGGER `audit_events_no_delete` BEFORE DELETE ON `audit_events`
BEGIN
	SELECT RAISE(ABORT, 'audit events are immutable');
END;
