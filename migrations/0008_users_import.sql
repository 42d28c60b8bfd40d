-- The administrator holds every permission.
UPDATE `roles` SET `permissions` = (
	SELECT json_group_array(`value` ORDER BY `value`) FROM (SELECT `value` FROM json_each(`roles`.`permissions`) UNION SELECT 'users:import')
) WHERE `name` = 'admin';
