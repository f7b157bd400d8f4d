/** What the other packages of this module have in common. Not exported, like those below it. */
@NullMarked
package org.simplepush.appserver.internal;

import org.jspecify.annotations.NullMarked;
