/** What several parts of the server share; opens no socket and starts no thread. */
@NullMarked
package org.simplepush.server.internal;

import org.jspecify.annotations.NullMarked;
