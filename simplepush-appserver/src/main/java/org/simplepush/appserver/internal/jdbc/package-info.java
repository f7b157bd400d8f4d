/** The tables of subscriptions and outbox. */
@NullMarked
package org.simplepush.appserver.internal.jdbc;

import org.jspecify.annotations.NullMarked;
