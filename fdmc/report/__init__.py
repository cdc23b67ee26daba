from ._caption import caption as caption, lost_goodput as lost_goodput, precision as precision
from ._compare import compare_object as compare_object, compare_tables as compare_tables
from ._costs import (
    robustness_object as robustness_object,
    robustness_table as robustness_table,
)
from ._exact import FirstLoss as FirstLoss, first_losses as first_losses
from ._fault_tree import (
    fault_tree_caption as fault_tree_caption,
    fault_tree_object as fault_tree_object,
    fault_tree_tables as fault_tree_tables,
)
from ._fault_tree_figures import save_fault_tree as save_fault_tree
from ._figures import save_figures as save_figures
from ._files import (
    gradient_object as gradient_object,
    run_object as run_object,
    save as save,
    shares_object as shares_object,
)
from ._format import (
    best as best,
    duration as duration,
    interval as interval,
    law as law,
    number as number,
    plain as plain,
)
from ._gradients import unseen as unseen
from ._heat import MachineHeat as MachineHeat
from ._heat_tables import gradient_table as gradient_table, shares_table as shares_table
from ._instances import instances as instances
from ._machine import Machine as Machine, describe as describe, machine_object as machine_object
from ._machine_tables import (
    headline as headline,
    instances_table as instances_table,
    machine_tables as machine_tables,
)
from ._manufacturing import (
    burn_in_tables as burn_in_tables,
    manufacturing_caption as manufacturing_caption,
    manufacturing_object as manufacturing_object,
    manufacturing_tables as manufacturing_tables,
)
from ._manufacturing_figure import save_manufacturing as save_manufacturing
from ._metrics import METRICS as METRICS, document_of as document_of, metrics_table as metrics_table
from ._questions import Question as Question
from ._replay import replay_tables as replay_tables
from ._sizing import (
    money as money,
    sizing_caption as sizing_caption,
    sizing_tables as sizing_tables,
)
from ._sizing_figure import save_sizing as save_sizing
from ._table import table as table
from ._tables import (
    components_table as components_table,
    result_tables as result_tables,
    scenarios_table as scenarios_table,
    timing as timing,
)
