/** Sends what is in the table of an outbox until it is settled. */
@NullMarked
package org.simplepush.appserver.internal.outbox;

import org.jspecify.annotations.NullMarked;
