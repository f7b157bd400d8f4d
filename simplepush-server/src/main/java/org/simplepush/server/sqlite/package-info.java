/**
 * A durable store for one server: {@link org.simplepush.server.sqlite.SqliteVersionStore}.
 *
 * <p>Needs sqlite-jdbc, an optional dependency of this module.
 */
@NullMarked
package org.simplepush.server.sqlite;

import org.jspecify.annotations.NullMarked;
