/**
 * What every part of SimplePush agrees on.
 *
 * <p>Start with {@link org.simplepush.core.ClientMessage} and {@link
 * org.simplepush.core.ServerMessage} (what travels), {@link org.simplepush.core.MessageCodec} (how
 * it looks on the wire) and {@link org.simplepush.core.VersionStore} (where versions collapse; the
 * interface to implement for another database).
 */
@NullMarked
package org.simplepush.core;

import org.jspecify.annotations.NullMarked;
