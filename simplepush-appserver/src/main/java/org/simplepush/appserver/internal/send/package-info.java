/**
 * Decides what is sent when: collapse, queues, retries and deadlines. Knows no sockets, threads or
 * clocks.
 */
@NullMarked
package org.simplepush.appserver.internal.send;

import org.jspecify.annotations.NullMarked;
