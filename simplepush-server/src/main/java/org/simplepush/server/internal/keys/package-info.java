/** Keeps the keys of this server and of its store the same (protocol §8). */
@NullMarked
package org.simplepush.server.internal.keys;

import org.jspecify.annotations.NullMarked;
