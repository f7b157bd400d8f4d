/** What several packages of the server share and nobody else sees. */
@NullMarked
package org.simplepush.server.internal;

import org.jspecify.annotations.NullMarked;
